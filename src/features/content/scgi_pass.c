/* scgi_pass: SCGI backends. Here are the address and the parameters; the rest is the gateway's. */
#include "gateway/cgi_client.h"
#include "gateway/pass.h"
#include "gateway/rows.h"

/* scgi_*: shared by all locations that set none of their own */
struct settings {
    struct cgi_settings cgi;
};

extern const struct feature scgi_pass;

static const struct url_scheme schemes[] = { { "scgi", 0, "", false }, { NULL } };

static const struct pass_family family = {
    .feature = &scgi_pass,
    .rules = { .schemes = schemes, .bare = true, .schemeless = true },
};

static bool
set_pass(struct setting *s)
{
    return pass_set(s, &family, arena_new(s->compile->arena, struct pass));
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
    const struct pass *pass = settings;
    const struct settings *my = pass->settings;
    return pass_run(x, pass, &my->cgi.gateway, &scgi_client_codec);
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
