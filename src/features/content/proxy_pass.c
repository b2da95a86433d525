/* proxy_pass: HTTP backends. Here is what URI they are asked for; the rest is the gateway's. */
#include "gateway/pass.h"
#include "gateway/proxy_tlvs.h"
#include "gateway/tls_settings.h"
#include "http/uri.h"

/* proxy_*: shared by all locations that set none of their own */
struct settings {
    struct gateway_settings gateway;
    struct gateway_tls_settings tls;
    unsigned http_version; /* enum version */
};

/* proxy_pass: one location's own */
struct proxy {
    struct pass pass;                      /* first */
    struct str redirect_from, redirect_to; /* proxy_redirect default */
};

extern const struct feature proxy_pass;

static const struct choice versions[] = {
    { "1.0", VERSION_10 }, { "1.1", VERSION_11 }, { "2", VERSION_20 }, { NULL, 0 }
};

static const struct choice proxy_headers[] = {
    { "off", 0 }, { "v1", 1 }, { "v2", 2 }, { NULL, 0 }
};

static const struct url_scheme schemes[] = { { "http", 80, "80", false },
                                             { "https", 443, "443", true },
                                             { NULL } };

static const struct pass_family family = {
    .feature = &proxy_pass,
    .rules = { .schemes = schemes, .has_uri = true },
    .tls_prefix = "proxy_",
    .tls_offset = offsetof(struct settings, tls),
};

/* proxy_redirect default: what the backend calls itself becomes what the client calls it. */
static void
set_default_redirect(struct proxy *my, const struct location *l, struct str url, struct arena *a)
{
    if (my->pass.url.text)
        return;
    my->redirect_from = my->pass.url.uri.p ? url : arena_join(a, url, STR("/"));
    my->redirect_to = my->pass.url.uri.p ? l->name : STR("/");
}

static bool
set_pass(struct setting *s)
{
    struct proxy *my = arena_new(s->compile->arena, struct proxy);
    struct location *l = s->scope->object;
    struct str url = setting_arg(s, 1);
    if (!pass_set(s, &family, &my->pass))
        return false;
    if (my->pass.url.uri.p && (l->kind == LOCATION_REGEX || l->kind == LOCATION_NAMED ||
                               l->kind == LOCATION_IF || l->kind == LOCATION_EXCEPT))
        return setting_error(
            s, 1,
            "\"proxy_pass\" cannot have URI part in location given by regular expression, or "
            "inside named location, or inside \"if\" statement, or inside \"limit_except\" block");
    set_default_redirect(my, l, url, s->compile->arena);
    return true;
}

static const struct directive directives[] = {
    { "proxy_pass", NO_FIELD, IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, .set = set_pass,
      .flags = SETTINGS_APART, .syntax = "URL", .example = "proxy_pass http://127.0.0.1:8000;",
      .help = "Passes requests to a server or a group of servers: http[s]://host[:port][/uri], "
              "http://unix:/path[:/uri], or http://group. With a URI, it replaces the location's "
              "prefix; without, the request's is passed as it came. The URL may have variables." },
    { "proxy_http_version", FIELD(struct settings, http_version), GATEWAY_IN, .initial = "1.1",
      .choices = versions,
      .help = "HTTP version towards servers. Connections are kept with 1.1; with 2 many requests "
              "share one. 2 is chosen by ALPN with https://, and known before with http://." },
    { "proxy_pass_proxy_protocol", FIELD(struct settings, gateway.proxy_protocol), GATEWAY_IN,
      .initial = "off", .choices = proxy_headers, .example = "proxy_pass_proxy_protocol v2;",
      .help = "Connections to servers begin with a PROXY protocol header that says whose request "
              "it is. Such a connection serves requests of that client's connection alone." },
    { "proxy_pass_proxy_protocol_tlv", PLACE(struct settings, gateway.proxy_tlvs), GATEWAY_IN,
      .set = gateway_set_proxy_tlv, .flags = MANY, .args_min = 1, .args_max = 2,
      .syntax = "alpn | authority | unique_id | netns | 0xNN value | ssl | crc32c",
      .example = "proxy_pass_proxy_protocol_tlv authority $ssl_server_name;",
      .help = "Adds a TLV to the PROXY protocol header of version 2: a name, or a type in "
              "hexadecimal digits, and its value; an empty value leaves it out. \"ssl\" tells of "
              "the client's TLS connection: version, cipher, algorithms of the server's "
              "certificate, and common name and verification of the client's. \"crc32c\" adds a "
              "checksum. Connections are shared only by requests with the same header. Inherited "
              "only by blocks that set none." },
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
    { "proxy_pass_trailers", FIELD(struct settings, gateway.pass_trailers), GATEWAY_IN,
      .initial = "off", .help = "Whether the trailer fields of a response are passed." },
    GATEWAY_ROWS("proxy_", struct settings, gateway),
    GATEWAY_TLS_ROWS("proxy_", struct settings, tls),
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    const struct settings *outer =
        scope->parent ? scope_settings(scope->parent, feature_set(&proxy_pass)) : NULL;
    return gateway_complete(scope, &my->gateway) && gateway_tls_complete(scope, &my->tls) &&
           gateway_check_proxy_tlvs(scope, &my->gateway, outer ? &outer->gateway : NULL);
}

/* The URL's URI in place of the location's prefix. */
static struct str
replaced_uri(struct exchange *x, struct str uri)
{
    struct str name = x->location->name;
    struct str rest = name.n <= x->uri.n ? str_skip(x->uri, name.n) : STR("");
    bool plain = !x->internal && str_find(x->request.path, '%') < 0;
    rest = uri_escape(rest, plain ? ESCAPE_UNSENDABLE : ESCAPE_URI, &x->arena);
    struct str path = arena_join(&x->arena, uri, rest);
    if (path.n == 0 || path.p[0] != '/')
        path = arena_join(&x->arena, STR("/"), path);
    return url_with_args(x, path);
}

/* A URI with variables is the whole of it. */
static struct str
wanted_uri(struct exchange *x, const struct url *url, struct str uri)
{
    if (uri.p == NULL || (x->uri_rewritten && url->text == NULL))
        return url_own_uri(x);
    if (url->text == NULL)
        return replaced_uri(x, uri);
    return uri.n && uri.p[0] != '/' ? arena_join(&x->arena, STR("/"), uri) : uri;
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct proxy *proxy = settings;
    const struct url *url = &proxy->pass.url;
    const struct settings *my = proxy->pass.settings;
    struct gateway_target target = { .named = true,
                                     .redirect_from = proxy->redirect_from,
                                     .redirect_to = proxy->redirect_to };
    struct str uri;
    enum verdict v = url_find(x, url, &my->gateway, &target, &uri);
    if (v != PASS)
        return v;
    target.uri = wanted_uri(x, url, uri);
    return gateway_run(x, &my->gateway,
                       my->http_version == VERSION_20 ? &h2_client_codec : &h1_client_codec,
                       &target, my->http_version);
}

const struct feature proxy_pass = {
    .name = "proxy_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .explain = run,
    .content_only = true,
};
