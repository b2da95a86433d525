/* uwsgi_pass: uwsgi backends. Here are the address and the parameters; the rest is the gateway's.
 */
#include "exchange/feature.h"
#include "gateway/cgi_client.h"
#include "gateway/tls_settings.h"
#include "gateway/url.h"

/* uwsgi_*: shared by all locations that set none of their own */
struct settings {
    struct cgi_settings cgi;
    struct gateway_tls_settings tls;
};

/* uwsgi_pass: one location's own */
struct pass {
    struct url url; /* first */
    const struct settings *settings;
};

extern const struct feature uwsgi_pass;

static const struct url_scheme schemes[] = { { "uwsgi", 0, "", false },
                                             { "suwsgi", 0, "", true },
                                             { NULL } };

static const struct url_rules rules = { .schemes = schemes, .bare = true };

/* The settings of the block, when all of them are known. */
static void
find_settings(struct compile *c, void *arg)
{
    struct pass *my = arg;
    my->settings = scope_settings(my->url.target.scope, feature_set(&uwsgi_pass));
    my->url.tls = &my->settings->tls;
    if (url_may_be_tls(&my->url))
        gateway_tls_prepare(c, my->url.target.span, "uwsgi_", my->url.tls);
}

static bool
set_pass(struct setting *s)
{
    struct pass *my = arena_new(s->compile->arena, struct pass);
    if (!url_set(s, &rules, &my->url))
        return false;
    compile_defer(s->compile, find_settings, my);
    return location_set_content(s, &uwsgi_pass, my);
}

static bool
set_modifier(struct setting *s)
{
    uint64_t n;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &n))
        return setting_error(s, 1, "\"%s\" directive invalid number", s->row->name);
    *(unsigned *)s->field = (unsigned)n;
    return n <= UINT8_MAX || setting_error(s, 1, "value must be between 0 and 255");
}

static const struct directive directives[] = {
    { "uwsgi_pass", NO_FIELD, IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, .set = set_pass,
      .flags = SETTINGS_APART, .syntax = "[protocol://]address",
      .example = "uwsgi_pass unix:/run/uwsgi/app.sock;",
      .help = "Passes requests to a uwsgi server or a group of servers: [uwsgi://]host:port, "
              "suwsgi:// for TLS, unix:/path, or a group's name. May have variables." },
    { "uwsgi_param", PLACE(struct settings, cgi.params), GATEWAY_IN, .set = cgi_params_set,
      .flags = MANY, .args_min = 2, .args_max = 3, .syntax = "parameter value [if_not_empty]",
      .example = "uwsgi_param PATH_INFO $document_uri;",
      .help = "A parameter of requests; the packaged uwsgi_params has the usual ones. The client's "
              "fields are passed as HTTP_* beside them, but for those that a parameter names, "
              "those for one hop, and Proxy. Inherited only by blocks that set none." },
    { "uwsgi_modifier1", PLACE(struct settings, cgi.modifier1), GATEWAY_IN, .initial = "0",
      .set = set_modifier, .syntax = "number",
      .help = "The first modifier of a uwsgi packet: which plugin of the server is meant." },
    { "uwsgi_modifier2", PLACE(struct settings, cgi.modifier2), GATEWAY_IN, .initial = "0",
      .set = set_modifier, .syntax = "number", .help = "The second modifier of a uwsgi packet." },
    GATEWAY_ROWS("uwsgi_", struct settings, cgi.gateway),
    GATEWAY_TLS_ROWS("uwsgi_", struct settings, tls),
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    return gateway_complete(scope, &my->cgi.gateway) && gateway_tls_complete(scope, &my->tls);
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct pass *my = settings;
    const struct gateway_settings *gateway = &my->settings->cgi.gateway;
    struct gateway_target target = { .redirect_to = STR_NONE };
    struct str uri;
    enum verdict v = url_find(x, &my->url, gateway->connect_timeout.ms, &target, &uri);
    return v == PASS ? gateway_run(x, gateway, &uwsgi_client_codec, &target, VERSION_11) : v;
}

const struct feature uwsgi_pass = {
    .name = "uwsgi_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .content_only = true,
    .explain = run,
};
