/* upstream { server … keepalive … } and resolver: this room's directives. */
#include "upstream/resolver.h"
#include "upstream/table.h"

struct settings {
    struct resolver_settings resolver; /* n_servers 0: the system's */
    struct msec resolver_timeout;
    unsigned keepalive, keepalive_requests;
    struct msec keepalive_timeout, keepalive_time;
};

const struct resolver_settings *
upstream_resolver(struct scope *s)
{
    const struct settings *my = scope_settings(s, &upstream_directives);
    return my->resolver.n_servers ? &my->resolver : NULL;
}

static bool
set_resolver(struct setting *s)
{
    return resolver_parse(s, s->field);
}

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    my->resolver.timeout_ms = my->resolver_timeout.ms;
    return true;
}

static void
take_settings(struct upstream *u, struct scope *s)
{
    const struct settings *my = scope_settings(s, &upstream_directives);
    u->resolver = upstream_resolver(s);
    u->keepalive = (struct keepalive){ my->keepalive, my->keepalive_requests,
                                       my->keepalive_timeout.ms, my->keepalive_time.ms };
}

/* --- upstream NAME { … } --- */

static bool
has_primary(const struct upstream *u)
{
    for (const struct server *s = u->servers; s; s = s->next)
        if (!s->backup)
            return true;
    return false;
}

static bool
set_upstream(struct setting *s)
{
    struct upstream_table *t = upstream_table_of(s->compile);
    struct str name = setting_arg(s, 1);
    struct upstream *u = upstream_table_add(t, &t->declared, name);
    if (u == NULL)
        return setting_error(s, 1, "duplicate upstream \"" STR_FMT "\"", STR_ARG(name));
    struct scope *scope = scope_open(s->scope, s->node, IN_UPSTREAM, u);
    unsigned before = s->compile->diags->errors;
    scope_run(scope);
    take_settings(u, scope);
    if (s->compile->diags->errors > before)
        return false; /* what is missing may be what was refused */
    if (u->servers == NULL)
        return setting_error(s, 0, "no servers are inside upstream");
    if (!has_primary(u))
        return setting_error(s, 1, "no servers in upstream \"" STR_FMT "\"", STR_ARG(name));
    return true;
}

struct upstream *
upstream_implied(struct compile *c, struct scope *s, struct str host_port, unsigned default_port)
{
    const char *problem;
    struct upstream_table *t = upstream_table_of(c);
    struct server *server = arena_new(c->arena, struct server);
    const struct resolver_settings *resolver = upstream_resolver(s);
    if (!server_parse(server, host_port, default_port, &problem))
        return NULL;
    /* The same text under another default port or resolver is another group. */
    struct str key = arena_printf(c->arena, STR_FMT " %u %p", STR_ARG(host_port), default_port,
                                  server_is_name(server) ? (const void *)resolver : NULL);
    struct upstream *u = upstream_table_add(t, &t->implied, key);
    if (u == NULL)
        return map_try(&t->implied, key);
    u->name = host_port;
    upstream_add_server(u, server);
    take_settings(u, s);
    return u;
}

/* --- server ADDRESS … --- */

static bool
parse_count(struct str value, unsigned min, unsigned *out)
{
    uint64_t n;
    if (!str_to_u64(value, INT32_MAX, &n) || n < min)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool
parse_parameter(struct setting *s, unsigned i, struct server *server)
{
    struct str value, arg = setting_arg(s, i);
    if (setting_parameter(s, i, STR("weight"), &value))
        return parse_count(value, 1, &server->weight);
    if (setting_parameter(s, i, STR("max_conns"), &value))
        return parse_count(value, 0, &server->max_conns);
    if (setting_parameter(s, i, STR("max_fails"), &value))
        return parse_count(value, 0, &server->max_fails);
    if (setting_parameter(s, i, STR("fail_timeout"), &value))
        return parse_msec(value, &server->fail_timeout_ms);
    server->backup |= str_eq(arg, STR("backup"));
    server->down |= str_eq(arg, STR("down"));
    return str_eq(arg, STR("backup")) || str_eq(arg, STR("down")) || str_eq(arg, STR("resolve"));
}

static bool
set_server(struct setting *s)
{
    struct server *server = arena_new(s->compile->arena, struct server);
    struct str text = setting_arg(s, 1);
    const char *problem;
    if (!server_parse(server, text, 80, &problem)) {
        setting_error(s, 1, "%s in upstream \"" STR_FMT "\"", problem, STR_ARG(text));
        if (str_find_str(text, STR("://")) > 0)
            setting_hint(s, "the scheme stands in proxy_pass");
        return false;
    }
    for (unsigned i = 2; i < s->node->n; i++)
        if (!parse_parameter(s, i, server))
            return setting_error(s, i, "invalid parameter \"" STR_FMT "\"",
                                 STR_ARG(setting_arg(s, i)));
    upstream_add_server(s->scope->object, server);
    return true;
}

static bool
set_keepalive(struct setting *s)
{
    struct str text = setting_arg(s, 1);
    if (!parse_count(text, 0, s->field))
        return setting_error(s, 1, "invalid value \"" STR_FMT "\" in \"keepalive\" directive",
                             STR_ARG(text));
    if (s->node->n > 2 && !str_eq(setting_arg(s, 2), STR("local")))
        return setting_error(s, 2, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 2)));
    return true;
}

#define OUTSIDE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "upstream", NO_FIELD, IN_HTTP, .flags = BLOCK | REPEATABLE, .args_min = 1, .args_max = 1,
      .set = set_upstream, .syntax = "name { ... }",
      .help = "Defines a group of servers that proxy_pass and its kin name. Requests go to them by "
              "weighted round robin; what fails on one is tried on the next.",
      .example = "upstream app { server 10.0.0.1:8080 weight=5; server 10.0.0.2:8080; }" },
    { "server", NO_FIELD, IN_UPSTREAM, .flags = REPEATABLE, .args_min = 1, .args_max = ARGS_ANY,
      .set = set_server,
      .syntax =
          "address [weight=n] [max_conns=n] [max_fails=n] [fail_timeout=time] [backup] [down] "
          "[resolve]",
      .help = "A server of the group: an address, a name (port 80 when none is given), or "
              "unix:/path. A name stands for all its addresses; it is resolved at start and again "
              "when its TTL ends, with or without `resolve`, and a name that does not resolve "
              "stops nothing. After max_fails (1) failures within fail_timeout (10s) the server is "
              "left alone for fail_timeout.",
      .example = "server backend1.example.com:8080 weight=2 max_fails=3 fail_timeout=30s;" },
    { "keepalive", PLACE(struct settings, keepalive), IN_UPSTREAM, .initial = "32 local",
      .args_min = 1, .args_max = 2, .set = set_keepalive, .syntax = "connections [local]",
      .help = "How many idle connections to the group's servers each thread keeps open; beyond it "
              "the least recently used are closed. 0 keeps none. `local` is accepted and makes no "
              "difference.",
      .differs = "32 is the default since nginx 1.29.7, for each process; here for each thread." },
    { "keepalive_requests", FIELD(struct settings, keepalive_requests), IN_UPSTREAM,
      .initial = "1000", .help = "After so many requests a connection to a server is closed." },
    { "keepalive_timeout", FIELD(struct settings, keepalive_timeout), IN_UPSTREAM, .initial = "60s",
      .help = "How long an idle connection to a server stays open." },
    { "keepalive_time", FIELD(struct settings, keepalive_time), IN_UPSTREAM, .initial = "1h",
      .help = "After this time a connection to a server is closed when its request ends." },
    { "zone", NO_FIELD, IN_UPSTREAM, .flags = IGNORED, .args_min = 1, .args_max = 2,
      .syntax = "name [size]",
      .help = "Accepted without effect: the state of a group is shared by all threads anyway.",
      .example = "zone app 64k;" },
    { "resolver", PLACE(struct settings, resolver), OUTSIDE | IN_UPSTREAM, .args_min = 1,
      .args_max = ARGS_ANY, .set = set_resolver,
      .syntax = "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] [status_zone=zone]",
      .help = "Name servers to ask for the names of servers. Without it those of the system are "
              "asked. valid overrides the TTL of answers.",
      .differs =
          "names in upstream blocks are resolved again when their TTL ends, with or without it.",
      .example = "resolver 127.0.0.53 [::1]:5353 valid=30s;" },
    { "resolver_timeout", FIELD(struct settings, resolver_timeout), OUTSIDE | IN_UPSTREAM,
      .initial = "30s", .help = "How long to wait for a name to resolve." },
    { 0 },
};

const struct directive_set upstream_directives = {
    .name = "upstream",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
};
