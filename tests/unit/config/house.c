#include "house.h"

enum { SCOPES_MAX = 32 };

static const struct house_settings *ended[SCOPES_MAX];
static unsigned n_ended;
static struct house *open_house;

static const struct directive_set house_set;

static void
open_scope(struct setting *s, enum context context)
{
    struct scope *scope = scope_open(s->scope, s->node, context, NULL);
    scope_run(scope);
    if (n_ended < SCOPES_MAX)
        ended[n_ended++] = scope_settings(scope, &house_set);
}

static bool
set_block(struct setting *s)
{
    struct str name = setting_arg(s, 0);
    if (str_eq(name, STR("http")))
        open_scope(s, IN_HTTP);
    else if (str_eq(name, STR("events")))
        open_scope(s, IN_EVENTS);
    else if (str_eq(name, STR("upstream")))
        open_scope(s, IN_UPSTREAM);
    else if (str_eq(name, STR("location")))
        open_scope(s, IN_LOCATION);
    else
        open_scope(s, IN_SERVER);
    open_house->servers += s->scope->context == IN_HTTP && str_eq(name, STR("server"));
    return true;
}

static bool
count(struct setting *s)
{
    *(unsigned *)s->field += 1;
    return true;
}

/* Members of an upstream take one parameter, "backup". */
static bool
count_member(struct setting *s)
{
    *(unsigned *)s->field += 1;
    for (unsigned i = 2; i < s->node->n; i++) {
        if (str_eq(setting_arg(s, i), STR("backup")))
            continue;
        setting_error(s, i, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, i)));
        return false;
    }
    return true;
}

static bool
count_children(struct setting *s)
{
    for (const struct node *child = s->node->children; child; child = child->next)
        *(unsigned *)s->field += 1;
    return true;
}

static const struct choice satisfy[] = { { "all", 1 }, { "any", 2 }, { 0 } };
static const struct choice next[] = { { "error", 1 }, { "timeout", 2 }, { "off", 4 }, { 0 } };

#define EVERYWHERE       (IN_HTTP | IN_SERVER | IN_LOCATION)
#define FIELD_OF(member) FIELD(struct house_settings, member)
#define PLACE_OF(member) PLACE(struct house_settings, member)

static const struct directive rows[] = {
    { "daemon", FIELD_OF(tokens), IN_MAIN, .help = "h" },
    { "worker_connections", FIELD_OF(requests), IN_EVENTS, .help = "h" },
    { "client_max_body_size", FIELD_OF(body), EVERYWHERE, "1m", "h" },
    { "client_body_timeout", FIELD_OF(timeout), EVERYWHERE, "60s", "h" },
    { "server_tokens", FIELD_OF(tokens), EVERYWHERE, "on", "h" },
    { "keepalive_requests", FIELD_OF(requests), EVERYWHERE, "1000", "h" },
    { "satisfy", FIELD_OF(satisfy), EVERYWHERE, "all", "h", .choices = satisfy },
    { "proxy_next_upstream", FIELD_OF(next), EVERYWHERE, "error timeout", "h", .choices = next,
      .flags = CHOICES_ADD },
    { "default_type", FIELD_OF(name), EVERYWHERE, "text/plain", "h" },
    { "allow", PLACE_OF(rules), EVERYWHERE, .help = "h", .syntax = "address", .flags = MANY,
      .set = count },
    { "deny", PLACE_OF(rules), EVERYWHERE, .help = "h", .syntax = "address", .flags = MANY,
      .set = count },
    { "types", PLACE_OF(types), EVERYWHERE, .help = "h", .syntax = "", .flags = MANY | BLOCK | RAW,
      .args_max = ARGS_NONE, .set = count_children },
    { "listen", PLACE_OF(listens), IN_SERVER, .help = "h", .syntax = "address [parameters]",
      .flags = REPEATABLE, .args_min = 1, .args_max = ARGS_ANY, .set = count },
    { "events", NO_FIELD, IN_MAIN, .help = "h", .syntax = "", .flags = BLOCK, .args_max = ARGS_NONE,
      .set = set_block },
    { "http", NO_FIELD, IN_MAIN, .help = "h", .syntax = "", .flags = BLOCK, .args_max = ARGS_NONE,
      .set = set_block },
    { "server", NO_FIELD, IN_HTTP, .help = "h", .syntax = "", .flags = BLOCK | REPEATABLE,
      .args_max = ARGS_NONE, .set = set_block },
    { "server", PLACE_OF(listens), IN_UPSTREAM, .help = "h", .syntax = "address",
      .flags = REPEATABLE, .args_min = 1, .args_max = ARGS_ANY, .set = count_member },
    { "upstream", NO_FIELD, IN_HTTP, .help = "h", .syntax = "name", .flags = BLOCK | REPEATABLE,
      .set = set_block },
    { "location", NO_FIELD, IN_SERVER | IN_LOCATION, .help = "h", .syntax = "[mode] uri",
      .flags = BLOCK | REPEATABLE, .args_min = 1, .args_max = 2, .set = set_block },
    { "error_log", NO_FIELD, IN_MAIN | EVERYWHERE, .help = "h", .syntax = "file [level]",
      .flags = IGNORED | REPEATABLE, .args_min = 1, .args_max = 2 },
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    (void)scope;
    ((struct house_settings *)settings)->completed = true;
    return true;
}

static const struct directive_set house_set = { "house", sizeof(struct house_settings), rows,
                                                complete };
static const struct directive_set *const sets[] = { &config_directives, &house_set, NULL };

const struct house_settings *
house_scope(unsigned n)
{
    return n < n_ended ? ended[n] : NULL;
}

static struct str
show(struct house *h)
{
    struct buf b;
    buf_init(&b, &h->arena, 256, 0);
    for (const struct diag *diag = h->diags.first; diag; diag = diag->next) {
        buf_printf(&b, "%s", diag->level == LEVEL_WARN ? "[warn] " : "");
        diag_line(diag, &b);
        buf_byte(&b, '\n');
        diag_excerpt(diag, &b);
    }
    buf_byte(&b, '\0');
    return (struct str){ b.p, b.n - 1 };
}

bool
house_compile(struct house *h, const char *text)
{
    *h = (struct house){ 0 };
    open_house = h;
    n_ended = 0;
    arena_init(&h->arena, 0);
    sources_init(&h->sources, &h->arena);
    diags_init(&h->diags, &h->arena);
    struct source *source = sources_add_text(&h->sources, STR("/conf/t.conf"), str_of(text));
    struct node *root = config_parse_text(&h->sources, source, &h->diags, &h->arena);
    compile_init(&h->compile, &h->arena, &h->sources, &h->diags, sets);
    compile_run(&h->compile, root);
    h->output = show(h);
    return h->diags.errors == 0;
}

void
house_close(struct house *h)
{
    arena_fini(&h->arena);
}
