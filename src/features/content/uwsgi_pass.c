/* uwsgi_pass: uwsgi backends. Here are the address and the parameters; the rest is the gateway's.
 */
#include "gateway/cgi_client.h"
#include "gateway/pass.h"
#include "gateway/tls_settings.h"

/* uwsgi_*: shared by all locations that set none of their own */
struct settings {
    struct cgi_settings cgi;
    struct gateway_tls_settings tls;
};

extern const struct feature uwsgi_pass;

static const struct url_scheme schemes[] = { { "uwsgi", 0, "", false },
                                             { "suwsgi", 0, "", true },
                                             { NULL } };

static const struct pass_family family = {
    .feature = &uwsgi_pass,
    .rules = { .schemes = schemes, .bare = true },
    .tls_prefix = "uwsgi_",
    .tls_offset = offsetof(struct settings, tls),
};

static bool
set_pass(struct setting *s)
{
    return pass_set(s, &family, arena_new(s->compile->arena, struct pass));
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
    const struct pass *pass = settings;
    const struct settings *my = pass->settings;
    return pass_run(x, pass, &my->cgi.gateway, &uwsgi_client_codec);
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
