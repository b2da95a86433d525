/* proxy_pass: HTTP backends. Here are the URL, the request line's URI and Host; the rest is the
 * gateway's. */
#include "exchange/feature.h"
#include "exchange/snapshot.h"
#include "gateway/rows.h"
#include "http/uri.h"
#include "upstream/table.h"

#include <errno.h>

/* proxy_*: shared by all locations that set none of their own */
struct settings {
    struct gateway_settings gateway;
    unsigned http_version; /* enum version */
};

/* proxy_pass: one location's own */
struct target {
    struct scope *scope;
    struct span span;                /* of the directive, for what is found at the end */
    const struct settings *settings; /* that hold there */
    struct upstream *upstream;       /* NULL: the URL has variables */
    const struct template *url;      /* with variables */
    struct str host_port;            /* without variables */
    struct str port;
    struct str uri;                        /* STR_NONE: the URL has no URI part */
    struct str redirect_from, redirect_to; /* proxy_redirect default */
    const struct resolver_settings *resolver;
};

extern const struct feature proxy_pass;

static const struct choice versions[] = { { "1.0", VERSION_10 },
                                          { "1.1", VERSION_11 },
                                          { NULL, 0 } };

static struct str
port_of(struct str host_port)
{
    struct str host;
    int port;
    if (str_starts(host_port, STR("unix:")))
        return STR("");
    if (!address_split(host_port, &host, &port) || port < 0)
        return STR("80");
    return str_skip(host_port, host_port.n - (port > 9999  ? 5
                                              : port > 999 ? 4
                                              : port > 99  ? 3
                                              : port > 9   ? 2
                                                           : 1));
}

/* Splits "http://host:port/uri" or "http://unix:/path:/uri" after the scheme. False: no such
 * scheme. */
static bool
split_url(struct str url, struct str *host_port, struct str *uri)
{
    struct str rest = str_skip(url, 7);
    size_t n = 0;
    if (!str_starts_nocase(url, STR("http://")))
        return false;
    if (str_starts(rest, STR("unix:"))) {
        ptrdiff_t colon = str_find(str_skip(rest, 5), ':');
        n = colon < 0 ? rest.n : (size_t)colon + 5;
        *host_port = str_head(rest, n);
        *uri = colon < 0 ? STR_NONE : str_skip(rest, n + 1);
    } else {
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
            n++;
        *host_port = str_head(rest, n);
        *uri = n < rest.n ? str_skip(rest, n) : STR_NONE;
    }
    return true;
}

/* The words stand for all that follows "http://", as nginx puts it. */
static bool
check_host(struct setting *s, struct str host_port)
{
    struct server server;
    struct str host, rest = str_skip(setting_arg(s, 1), 7);
    const char *problem;
    int port = -1;
    bool fine = server_parse(&server, host_port, 80, &problem);
    if (fine && !str_starts(host_port, STR("unix:")) && address_split(host_port, &host, &port) &&
        port == 0) {
        fine = false;
        problem = "invalid port";
    }
    return fine || setting_error(s, 1, "%s in upstream \"" STR_FMT "\"", problem, STR_ARG(rest));
}

/* A group's servers have their ports; a second one in the URL would say two things at once. */
static void
refuse_port_of_group(struct compile *c, const struct target *my)
{
    struct str host;
    int port;
    if (str_starts(my->host_port, STR("unix:")) || !address_split(my->host_port, &host, &port) ||
        port < 0 || upstream_find(c, my->scope, host) == NULL)
        return;
    diag_add(c->diags, LEVEL_EMERG, my->span, "upstream \"" STR_FMT "\" may not have port %d",
             STR_ARG(host), port);
}

/* A word that is nearly a group's name is more likely a slip than a host; with a digit at its end
 * it is one of several hosts. */
static void
warn_of_slip(struct compile *c, const struct target *my)
{
    struct str name = my->host_port;
    bool word = name.n >= 5 && str_find(name, '.') < 0 && str_find(name, ':') < 0;
    struct str near = word ? upstream_suggest(c, name) : STR_NONE;
    if (near.n == 0 || (name.p[name.n - 1] >= '0' && name.p[name.n - 1] <= '9'))
        return;
    struct diag *diag =
        diag_add(c->diags, LEVEL_WARN, my->span,
                 "no upstream \"" STR_FMT "\", so it is the name of a host", STR_ARG(name));
    diag_hint(c->diags, diag, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
}

/* After the whole configuration is known: a group of that name, or one server of its own. */
static void
find_upstream(struct compile *c, void *arg)
{
    struct target *my = arg;
    my->settings = scope_settings(my->scope, feature_set(&proxy_pass));
    my->resolver = upstream_resolver(my->scope);
    if (my->url)
        return;
    my->upstream = upstream_find(c, my->scope, my->host_port);
    if (my->upstream)
        return;
    refuse_port_of_group(c, my);
    warn_of_slip(c, my);
    my->upstream = upstream_implied(c, my->scope, my->host_port, 80);
}

/* proxy_redirect default: what the backend calls itself becomes what the client calls it. */
static void
set_default_redirect(struct target *my, const struct location *l, struct str url, struct arena *a)
{
    if (my->url)
        return;
    my->redirect_from = my->uri.p ? url : arena_join(a, url, STR("/"));
    my->redirect_to = my->uri.p ? l->name : STR("/");
}

static bool
refuse_url(struct setting *s, struct str url)
{
    if (str_starts_nocase(url, STR("https://")))
        return setting_error(s, 1,
                             "https protocol requires SSL support, which is not in usher yet");
    setting_error(s, 1, "invalid URL prefix");
    setting_hint(s, "it begins with http://");
    return false;
}

static bool
set_pass(struct setting *s)
{
    struct target *my = arena_new(s->compile->arena, struct target);
    struct location *l = s->scope->object;
    struct str url = setting_arg(s, 1);
    my->scope = s->scope;
    my->span = s->node->words[1].span;
    if (str_find(url, '$') >= 0) {
        my->url = template_compile(s, 1, url);
        if (my->url == NULL)
            return false;
    } else if (!split_url(url, &my->host_port, &my->uri)) {
        return refuse_url(s, url);
    } else if (!check_host(s, my->host_port)) {
        return false;
    }
    if (my->uri.p && (l->kind == LOCATION_REGEX || l->kind == LOCATION_NAMED))
        return setting_error(
            s, 1,
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or "
            "inside named location, or inside \"if\" statement, or inside \"limit_except\" block");
    my->port = my->url ? STR_NONE : port_of(my->host_port);
    compile_defer(s->compile, find_upstream, my);
    set_default_redirect(my, l, url, s->compile->arena);
    return location_set_content(s, &proxy_pass, my);
}

static const struct directive directives[] = {
    { "proxy_pass", NO_FIELD, IN_LOCATION, .set = set_pass, .flags = SETTINGS_APART,
      .syntax = "URL", .example = "proxy_pass http://127.0.0.1:8000;",
      .help = "Passes requests to a server or a group of servers: http://host[:port][/uri], "
              "http://unix:/path[:/uri], or http://group. With a URI, it replaces the location's "
              "prefix; without, the request's is passed as it came. The URL may have variables." },
    { "proxy_http_version", FIELD(struct settings, http_version), GATEWAY_IN, .initial = "1.1",
      .choices = versions,
      .help = "HTTP version towards servers. Connections to them are kept with 1.1." },
    { "proxy_method", FIELD(struct settings, gateway.method), GATEWAY_IN, .syntax = "method",
      .example = "proxy_method POST;",
      .help = "Method of requests to servers, in place of the client's." },
    { "proxy_set_body", FIELD(struct settings, gateway.set_body), GATEWAY_IN, .syntax = "value",
      .example = "proxy_set_body $request_uri;",
      .help = "Body of requests to servers, in place of the client's." },
    { "proxy_set_header", PLACE(struct settings, gateway.set_headers), GATEWAY_IN,
      .set = gateway_set_header, .flags = MANY, .args_min = 2, .args_max = 2,
      .syntax = "field value", .example = "proxy_set_header Host $host;",
      .help = "Sets a field of requests to servers; an empty value leaves it out. By default Host "
              "is $proxy_host. Inherited only by blocks that set none." },
    { "proxy_redirect", PLACE(struct settings, gateway.redirects), GATEWAY_IN,
      .set = rewrite_set_redirect, .flags = MANY, .args_min = 1, .args_max = 2,
      .syntax = "default | off | redirect replacement", .unset = "default",
      .example = "proxy_redirect http://backend:8000/ /;",
      .help = "Changes the Location and Refresh fields of responses. By default the URL of "
              "proxy_pass becomes the location's name." },
    { "proxy_cookie_domain", PLACE(struct settings, gateway.cookie_domains), GATEWAY_IN,
      .set = rewrite_set_cookie_domain, .flags = MANY, .args_min = 1, .args_max = 2,
      .syntax = "off | domain replacement", .unset = "off",
      .example = "proxy_cookie_domain localhost example.org;",
      .help = "Changes the domain attribute of the cookies that servers set. The domain may be a "
              "regular expression (~…); may have variables." },
    { "proxy_cookie_path", PLACE(struct settings, gateway.cookie_paths), GATEWAY_IN,
      .set = rewrite_set_cookie_path, .flags = MANY, .args_min = 1, .args_max = 2,
      .syntax = "off | path replacement", .unset = "off", .example = "proxy_cookie_path /two/ /;",
      .help = "Changes the path attribute of the cookies that servers set. The path may be a "
              "regular expression (~…); may have variables." },
    { "proxy_cookie_flags", PLACE(struct settings, gateway.cookie_flags), GATEWAY_IN,
      .set = rewrite_set_cookie_flags, .flags = MANY, .args_min = 1, .args_max = ARGS_ANY,
      .syntax = "off | cookie [flag ...]", .unset = "off",
      .example = "proxy_cookie_flags ~ secure httponly samesite=lax;",
      .help = "Sets or removes (no…) the flags secure, httponly and samesite=strict|lax|none of "
              "cookies." },
    { "proxy_headers_hash_max_size", NO_FIELD, GATEWAY_IN, .set = gateway_ignore, .flags = IGNORED,
      .syntax = "size", .example = "proxy_headers_hash_max_size 512;",
      .help = "Accepted; tables size themselves." },
    { "proxy_headers_hash_bucket_size", NO_FIELD, GATEWAY_IN, .set = gateway_ignore,
      .flags = IGNORED, .syntax = "size", .example = "proxy_headers_hash_bucket_size 64;",
      .help = "Accepted; tables size themselves." },
    GATEWAY_ROWS("proxy_", struct settings, gateway),
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    return gateway_complete(scope, &((struct settings *)settings)->gateway);
}

static struct str
with_args(struct exchange *x, struct str path)
{
    if (x->args.n == 0)
        return path;
    return arena_join(&x->arena, arena_join(&x->arena, path, STR("?")), x->args);
}

/* The request's own URI: untouched as it came, or what internal redirects made of it. */
static struct str
own_uri(struct exchange *x)
{
    if (x->uri_is_raw && x->request.path.n && x->request.path.p[0] == '/')
        return x->request.args.p
                   ? str_between(x->request.path.p, x->request.args.p + x->request.args.n)
                   : x->request.path;
    return with_args(x, uri_escape(x->uri, ESCAPE_URI, &x->arena));
}

/* The URL's URI in place of the location's prefix. */
static struct str
replaced_uri(struct exchange *x, struct str uri)
{
    struct str name = x->location->name;
    struct str rest = name.n <= x->uri.n ? str_skip(x->uri, name.n) : STR("");
    struct str path = arena_join(&x->arena, uri, uri_escape(rest, ESCAPE_URI, &x->arena));
    if (path.n == 0 || path.p[0] != '/')
        path = arena_join(&x->arena, STR("/"), path);
    return with_args(x, path);
}

static void
set_static_target(struct exchange *x, const struct target *my, struct gateway_target *t)
{
    bool has_uri = my->uri.p != NULL;
    t->upstream = my->upstream;
    t->host = str_starts(my->host_port, STR("unix:")) ? STR("localhost") : my->host_port;
    t->port = my->port;
    t->uri = has_uri ? replaced_uri(x, my->uri) : own_uri(x);
    t->redirect_from = my->redirect_from;
    t->redirect_to = my->redirect_to;
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

/* A URL with variables: known only now. The group of that name, else one looked up for this
 * request. */
static enum verdict
set_dynamic_target(struct exchange *x, const struct target *my, struct gateway_target *t)
{
    struct str url = template_eval(my->url, x), uri;
    if (!split_url(url, &t->host, &uri))
        return fail(x, FAULT_INTERNAL, "invalid URL prefix in \"" STR_FMT "\"", STR_ARG(url));
    if (t->host.n == 0)
        return fail(x, FAULT_INTERNAL, "no host in upstream \"" STR_FMT "\"", STR_ARG(url));
    if (!is_clean(t->host))
        return fail(x, FAULT_BAD_REQUEST, "blank or control character in host for upstream");
    t->port = port_of(t->host);
    t->uri = uri.p ? uri : own_uri(x);
    if (uri.p && uri.n && uri.p[0] != '/')
        t->uri = arena_join(&x->arena, STR("/"), uri);
    t->upstream = upstream_lookup(x->snapshot->upstreams, t->host);
    if (t->upstream)
        return PASS;
    int r = upstream_adhoc(t->host, 80, my->resolver, &x->arena, &t->upstream,
                           clock_in(my->settings->gateway.connect_timeout.ms));
    if (r == -ECANCELED)
        return fail(x, FAULT_CLIENT_GONE, "%s", "");
    if (r < 0)
        return fail(x, FAULT_UPSTREAM_UNRESOLVED, "\"" STR_FMT "\" could not be resolved",
                    STR_ARG(t->host));
    if (str_starts(t->host, STR("unix:")))
        t->host = STR("localhost");
    return PASS;
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct target *my = settings;
    struct gateway_target target = { .scheme = STR("http") };
    enum verdict v = PASS;
    if (my->url)
        v = set_dynamic_target(x, my, &target);
    else
        set_static_target(x, my, &target);
    if (v != PASS)
        return v;
    return gateway_run(x, &my->settings->gateway, &h1_client_codec, &target,
                       my->settings->http_version);
}

const struct feature proxy_pass = {
    .name = "proxy_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .content_only = true,
};
