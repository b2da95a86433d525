/* proxy_pass: HTTP backends. Here are the URL, the request line's URI and Host; the rest is the
 * gateway's. */
#include "exchange/feature.h"
#include "gateway/rows.h"
#include "gateway/target.h"
#include "http/uri.h"

/* proxy_*: shared by all locations that set none of their own */
struct settings {
    struct gateway_settings gateway;
    unsigned http_version; /* enum version */
};

/* proxy_pass: one location's own */
struct pass {
    struct target target;
    const struct settings *settings; /* that hold there */
    const struct template *url;      /* with variables */
    struct str port;
    struct str uri;                        /* STR_NONE: the URL has no URI part */
    struct str redirect_from, redirect_to; /* proxy_redirect default */
};

extern const struct feature proxy_pass;

static const struct choice versions[] = { { "1.0", VERSION_10 },
                                          { "1.1", VERSION_11 },
                                          { NULL, 0 } };

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

/* The settings of the block, when all of them are known. */
static void
find_settings(struct compile *c, void *arg)
{
    struct pass *my = arg;
    my->settings = scope_settings(my->target.scope, feature_set(&proxy_pass));
}

/* proxy_redirect default: what the backend calls itself becomes what the client calls it. */
static void
set_default_redirect(struct pass *my, const struct location *l, struct str url, struct arena *a)
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
    struct pass *my = arena_new(s->compile->arena, struct pass);
    struct location *l = s->scope->object;
    struct str url = setting_arg(s, 1), host_port;
    if (str_find(url, '$') >= 0) {
        my->url = template_compile(s, 1, url);
        if (my->url == NULL)
            return false;
        target_set_dynamic(s, &my->target);
    } else if (!split_url(url, &host_port, &my->uri)) {
        return refuse_url(s, url);
    } else if (!target_set(s, &my->target, host_port, 80, str_skip(url, 7))) {
        return false;
    } else {
        my->port = target_port(host_port, STR("80"));
    }
    if (my->uri.p && (l->kind == LOCATION_REGEX || l->kind == LOCATION_NAMED))
        return setting_error(
            s, 1,
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or "
            "inside named location, or inside \"if\" statement, or inside \"limit_except\" block");
    compile_defer(s->compile, find_settings, my);
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

/* What Host says of it. */
static struct str
name_of(struct str host_port)
{
    return str_starts(host_port, STR("unix:")) ? STR("localhost") : host_port;
}

static void
set_static_target(struct exchange *x, const struct pass *my, struct gateway_target *t)
{
    bool has_uri = my->uri.p != NULL;
    t->upstream = my->target.upstream;
    t->host = name_of(my->target.host_port);
    t->port = my->port;
    t->uri = has_uri ? replaced_uri(x, my->uri) : own_uri(x);
    t->redirect_from = my->redirect_from;
    t->redirect_to = my->redirect_to;
}

/* A URL with variables: known only now. */
static enum verdict
set_dynamic_target(struct exchange *x, const struct pass *my, struct gateway_target *t)
{
    struct str url = template_eval(my->url, x), host_port, uri;
    if (!split_url(url, &host_port, &uri))
        return fail(x, FAULT_INTERNAL, "invalid URL prefix in \"" STR_FMT "\"", STR_ARG(url));
    if (host_port.n == 0)
        return fail(x, FAULT_INTERNAL, "no host in upstream \"" STR_FMT "\"", STR_ARG(url));
    t->host = name_of(host_port);
    t->port = target_port(host_port, STR("80"));
    t->uri = uri.p ? uri : own_uri(x);
    if (uri.p && uri.n && uri.p[0] != '/')
        t->uri = arena_join(&x->arena, STR("/"), uri);
    return target_find(x, &my->target, host_port, 80, my->settings->gateway.connect_timeout.ms,
                       &t->upstream);
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct pass *my = settings;
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
