/* scgi_pass: SCGI backends. Here are the address and the parameters; the rest is the gateway's. */
#include "exchange/feature.h"
#include "gateway/cgi_client.h"
#include "gateway/rows.h"
#include "gateway/url.h"

/* scgi_*: shared by all locations that set none of their own */
struct settings {
    struct cgi_settings cgi;
};

/* scgi_pass: one location's own */
struct pass {
    struct url url; /* first */
    const struct settings *settings;
};

extern const struct feature scgi_pass;

static const struct url_scheme schemes[] = { { "scgi", 0, "", false }, { NULL } };

static const struct url_rules rules = { .schemes = schemes, .bare = true };

/* The settings of the block, when all of them are known. */
static void
find_settings(struct compile *c, void *arg)
{
    struct pass *my = arg;
    my->settings = scope_settings(my->url.target.scope, feature_set(&scgi_pass));
}

static bool
set_pass(struct setting *s)
{
    struct pass *my = arena_new(s->compile->arena, struct pass);
    if (str_find_str(setting_arg(s, 1), STR("://")) >= 0)
        return setting_error(s, 1, "invalid host in upstream \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, 1)));
    if (!url_set(s, &rules, &my->url))
        return false;
    compile_defer(s->compile, find_settings, my);
    return location_set_content(s, &scgi_pass, my);
}

static const struct directive directives[] = {
    { "scgi_pass", NO_FIELD, IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, .set = set_pass,
      .flags = SETTINGS_APART, .syntax = "address", .example = "scgi_pass 127.0.0.1:9000;",
      .help = "Passes requests to an SCGI server or a group of servers: host:port, "
              "unix:/path, or a group's name. May have variables." },
    { "scgi_param", PLACE(struct settings, cgi.params), GATEWAY_IN, .set = cgi_params_set,
      .flags = MANY, .args_min = 2, .args_max = 3, .syntax = "parameter value [if_not_empty]",
      .example = "scgi_param SCGI 1;",
      .help = "A parameter of requests; the packaged scgi_params has the usual ones. The client's "
              "fields are passed as HTTP_* beside them, but for those that a parameter names, "
              "those for one hop, and Proxy. Inherited only by blocks that set none." },
    GATEWAY_ROWS("scgi_", struct settings, cgi.gateway),
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    return gateway_complete(scope, &((struct settings *)settings)->cgi.gateway);
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct pass *my = settings;
    const struct gateway_settings *gateway = &my->settings->cgi.gateway;
    struct gateway_target target = { .redirect_to = STR_NONE };
    struct str uri;
    enum verdict v = url_find(x, &my->url, gateway->connect_timeout.ms, &target, &uri);
    return v == PASS ? gateway_run(x, gateway, &scgi_client_codec, &target, VERSION_11) : v;
}

const struct feature scgi_pass = {
    .name = "scgi_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .content_only = true,
    .explain = run,
};
