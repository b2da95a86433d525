/* The server block: names, addresses, its own settings as a location, and its locations. */
#include "exchange/hosts/server.h"

#include "exchange/hosts/handlers.h"
#include "exchange/hosts/host_table.h"
#include "exchange/hosts/listen_directive.h"
#include "exchange/hosts/location_build.h"
#include "exchange/secure/tls_server.h"

#include <unistd.h>

static struct str
lower(struct arena *a, struct str s)
{
    char *p = arena_text(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = byte_lower(s.p[i]);
    p[s.n] = '\0';
    return (struct str){ p, s.n };
}

/* A star stands for whole labels at an end of the name. Elsewhere nginx takes it for a letter that
 * no host has. */
static bool
is_legal(struct setting *s, unsigned word, struct str name)
{
    ptrdiff_t star = str_find(name, '*');
    bool leading = str_starts(name, STR("*.")) && name.n > 2;
    if (str_eq(name, STR(".")) || (star == 0 && !leading))
        return setting_error(s, word, "server name \"" STR_FMT "\" is invalid", STR_ARG(name));
    bool trailing = str_ends(name, STR(".*")) && str_find(str_head(name, name.n - 1), '*') < 0;
    if (star >= 0 && !trailing && !(leading && str_find(str_skip(name, 1), '*') < 0))
        setting_warn(s, word, "server name \"" STR_FMT "\" never matches", STR_ARG(name));
    if (str_find(name, '/') >= 0)
        setting_warn(s, word, "server name \"" STR_FMT "\" has suspicious symbols", STR_ARG(name));
    return true;
}

static bool
compile_name(struct setting *s, unsigned word, struct server_name *n)
{
    struct str pattern = str_skip(n->name, 1);
    if (pattern.n == 0)
        return setting_error(s, word, "empty regex in server name \"~\"");
    n->regex = regex_compile(s, word, pattern, true);
    return n->regex != NULL;
}

/* The one name that is none of the text's own. */
static struct str
this_machine(struct arena *a)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    return arena_dup(a, str_of(name));
}

static bool
add_name(struct setting *s, unsigned word)
{
    struct server_build *b = s->scope->object;
    struct arena *a = s->compile->arena;
    struct str text = setting_arg(s, word);
    if (str_eq_nocase(text, STR("$hostname")))
        text = this_machine(a);
    bool is_regex = str_starts(text, STR("~"));
    struct server_name *n = arena_new(a, struct server_name);
    n->span = s->node->words[word].span;
    n->name = is_regex ? text : lower(a, text);
    if (is_regex ? !compile_name(s, word, n) : !is_legal(s, word, n->name))
        return false;
    *b->names_end = n;
    b->names_end = &n->next;
    return true;
}

bool
server_name_set(struct setting *s)
{
    struct server_build *b = s->scope->object;
    bool ok = true;
    for (unsigned i = 1; i < s->node->n; i++)
        ok = add_name(s, i) && ok;
    if (b->names && b->server->name.p == NULL)
        b->server->name = str_skip(b->names->name, str_starts(b->names->name, STR(".")));
    return ok;
}

/* The server's names enter the tables of its addresses. */
static void
register_names(struct compile *c, struct server_build *b)
{
    static const struct server_name nameless = { .name = { "", 0 } };
    for (const struct listen_use *use = b->listens; use; use = use->next) {
        const struct server_name *n = b->names ? b->names : &nameless;
        for (; n; n = n->next)
            if (!host_table_add(use->address->hosts, n->name, n->regex, b->server))
                diag_add(c->diags, LEVEL_WARN, n->span.source ? n->span : b->server->span,
                         "conflicting server name \"" STR_FMT "\" on " STR_FMT ", ignored",
                         STR_ARG(n->name), STR_ARG(use->address->text));
    }
}

static void
add_to_snapshot(struct compile *c, struct virtual_server *server)
{
    struct snapshot *snap = c->snapshot;
    if ((snap->n_servers & (snap->n_servers + 1)) == 0) { /* 0, 1, 3, 7 …: time to double */
        struct virtual_server **old = snap->servers;
        snap->servers = arena_array(c->arena, struct virtual_server *, 2 * snap->n_servers + 1);
        if (snap->n_servers)
            memcpy(snap->servers, old, snap->n_servers * sizeof *old);
    }
    snap->servers[snap->n_servers++] = server;
}

bool
server_open(struct setting *s)
{
    struct compile *c = s->compile;
    struct virtual_server *server = arena_new(c->arena, struct virtual_server);
    struct server_build *b = arena_new(c->arena, struct server_build);
    *b = (struct server_build){ .server = server, .names_end = &b->names };
    server->span = s->node->words[0].span;
    b->scope = scope_open(s->scope, s->node, IN_SERVER, b);
    scope_run_simple(b->scope);
    if (b->listens == NULL && !listen_default(c, b))
        return false;
    if (server->name.p == NULL)
        server->name = STR("");
    server->settings = scope_settings(b->scope, &server_directives);
    location_build_root(b->scope, server);
    scope_run_blocks(b->scope);
    location_build_finish(server->root, c->arena);
    server->locations = server->root->inner;
    server->core = server->root->core;
    calls_of_server(b->scope, server);
    compile_defer(c, tls_server_build, b);
    register_names(c, b);
    add_to_snapshot(c, server);
    return true;
}
