/* Targets: checked where they stand, found when all groups are known. */
#include "gateway/target.h"

#include "exchange/snapshot.h"
#include "upstream/table.h"

#include <errno.h>

static bool
is_unix(struct str host_port)
{
    return str_starts(host_port, STR("unix:"));
}

struct str
target_port(struct str host_port, struct str default_port)
{
    struct str host;
    int port;
    if (is_unix(host_port))
        return STR("");
    if (!address_split(host_port, &host, &port) || port < 0)
        return default_port;
    size_t n = port > 9999 ? 5 : port > 999 ? 4 : port > 99 ? 3 : port > 9 ? 2 : 1;
    return str_skip(host_port, host_port.n - n);
}

static bool
check_host(struct setting *s, struct str host_port, struct str quoted)
{
    struct server server;
    struct str host;
    const char *problem;
    int port = -1;
    bool fine = server_parse(&server, host_port, 80, &problem);
    if (fine && !is_unix(host_port) && address_split(host_port, &host, &port) && port == 0) {
        fine = false;
        problem = "invalid port";
    }
    return fine || setting_error(s, 1, "%s in upstream \"" STR_FMT "\"", problem, STR_ARG(quoted));
}

/* A group's servers have their ports; a second one would say two things at once. */
static void
refuse_port_of_group(struct compile *c, const struct target *t)
{
    struct str host;
    int port;
    if (is_unix(t->host_port) || !address_split(t->host_port, &host, &port) || port < 0 ||
        upstream_find(c, t->scope, host) == NULL)
        return;
    diag_add(c->diags, LEVEL_EMERG, t->span, "upstream \"" STR_FMT "\" may not have port %d",
             STR_ARG(host), port);
}

/* A word that is nearly a group's name is more likely a slip than a host; with a digit at its end
 * it is one of several hosts. */
static void
warn_of_slip(struct compile *c, const struct target *t)
{
    struct str name = t->host_port;
    bool word = name.n >= 5 && str_find(name, '.') < 0 && str_find(name, ':') < 0;
    struct str near = word ? upstream_suggest(c, name) : STR_NONE;
    if (near.n == 0 || (name.p[name.n - 1] >= '0' && name.p[name.n - 1] <= '9'))
        return;
    struct diag *diag =
        diag_add(c->diags, LEVEL_WARN, t->span,
                 "no upstream \"" STR_FMT "\", so it is the name of a host", STR_ARG(name));
    diag_hint(c->diags, diag, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
}

static bool
has_port(struct str host_port, unsigned default_port)
{
    struct str host;
    int port;
    return default_port || is_unix(host_port) || !address_split(host_port, &host, &port) ||
           port >= 0;
}

/* False, and said, when a server needs a port and has none. */
static bool
check_port(struct compile *c, const struct target *t)
{
    if (has_port(t->host_port, t->default_port))
        return true;
    struct diag *diag = diag_add(c->diags, LEVEL_EMERG, t->span,
                                 "no port in upstream \"" STR_FMT "\"", STR_ARG(t->host_port));
    struct str near = upstream_suggest(c, t->host_port);
    if (near.n)
        diag_hint(c->diags, diag, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
    return false;
}

/* After the whole configuration is known: a group of that name, or one server of its own. */
static void
find_upstream(struct compile *c, void *arg)
{
    struct target *t = arg;
    t->resolver = upstream_resolver(t->scope);
    if (t->host_port.p == NULL)
        return;
    t->upstream = upstream_find(c, t->scope, t->host_port);
    if (t->upstream || !check_port(c, t))
        return;
    refuse_port_of_group(c, t);
    warn_of_slip(c, t);
    t->upstream = upstream_implied(c, t->scope, t->host_port, t->default_port);
}

void
target_set_dynamic(struct setting *s, struct target *t)
{
    t->scope = s->scope;
    t->span = s->node->words[1].span;
    compile_defer(s->compile, find_upstream, t);
}

bool
target_set(struct setting *s, struct target *t, struct str host_port, unsigned default_port,
           struct str quoted)
{
    if (!check_host(s, host_port, quoted))
        return false;
    t->host_port = host_port;
    t->default_port = default_port;
    target_set_dynamic(s, t);
    return true;
}

/* What a client may have smuggled in percent-encoded never becomes a name or a Host. */
static bool
is_clean(struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        if ((uint8_t)host.p[i] <= ' ' || host.p[i] == 0x7f)
            return false;
    return true;
}

/* A client that goes away meanwhile is not waited for. */
static int
look_up(struct exchange *x, const struct target *t, struct str host_port, unsigned default_port,
        const struct gateway_settings *my, struct upstream **out)
{
    struct fiber *before = x->cancel_on_gone;
    bool heeds = !my->ignore_client_abort;
    if (heeds && x->client_gone)
        return -ECANCELED;
    x->cancel_on_gone = heeds ? fiber_self() : NULL;
    int r = upstream_adhoc(host_port, default_port, t->resolver, &x->arena, out,
                           clock_in(my->connect_timeout.ms));
    x->cancel_on_gone = before;
    return r;
}

enum verdict
target_find(struct exchange *x, const struct target *t, struct str host_port, unsigned default_port,
            const struct gateway_settings *my, struct upstream **out)
{
    if (!is_clean(host_port))
        return fail(x, FAULT_BAD_REQUEST, "blank or control character in host for upstream");
    *out = upstream_lookup(x->snapshot->upstreams, host_port);
    if (*out || x->trace)
        return PASS;
    if (!has_port(host_port, default_port))
        return fail(x, FAULT_INTERNAL, "no port in upstream \"" STR_FMT "\"", STR_ARG(host_port));
    int r = look_up(x, t, host_port, default_port, my, out);
    if (r == -ECANCELED)
        return fail(x, FAULT_CLIENT_GONE, "%s", "");
    if (r < 0)
        return fail(x, FAULT_UPSTREAM_UNRESOLVED, "\"" STR_FMT "\" could not be resolved",
                    STR_ARG(host_port));
    return PASS;
}
