/* grpc_pass: gRPC backends, which is HTTP/2 whose bodies are conversations: nothing of a request or
 * a response waits for its end, and trailers are a part of the answer. */
#include "gateway/pass.h"
#include "gateway/tls_settings.h"

/* grpc_*: shared by all locations that set none of their own */
struct settings {
    struct gateway_settings gateway;
    struct gateway_tls_settings tls;
};

extern const struct feature grpc_pass;

static const struct url_scheme schemes[] = { { "grpc", 80, "80", false },
                                             { "grpcs", 443, "443", true },
                                             { NULL } };

static const struct pass_family family = {
    .feature = &grpc_pass,
    .rules = { .schemes = schemes, .bare = true },
    .tls_prefix = "grpc_",
    .tls_offset = offsetof(struct settings, tls),
};

static bool
set_pass(struct setting *s)
{
    return pass_set(s, &family, arena_new(s->compile->arena, struct pass));
}

static const struct directive directives[] = {
    { "grpc_pass", NO_FIELD, IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, .set = set_pass,
      .flags = SETTINGS_APART, .syntax = "address", .example = "grpc_pass grpc://127.0.0.1:9000;",
      .help = "Passes requests to a gRPC server or a group of servers: [grpc://]host[:port], "
              "grpcs:// for TLS, unix:/path, or a group's name. The address may have variables." },
    { "grpc_set_header", PLACE(struct settings, gateway.set_headers), GATEWAY_IN,
      .set = gateway_set_header, .flags = MANY, .args_min = 2, .args_max = 2,
      .syntax = "field value", .example = "grpc_set_header X-Real-IP $remote_addr;",
      .help =
          "Sets a field of requests to servers; an empty value leaves it out. Host is what "
          ":authority says, by default the host of grpc_pass. Inherited only by blocks that set "
          "none." },
    GATEWAY_CORE_ROWS("grpc_", struct settings, gateway),
    GATEWAY_TLS_ROWS("grpc_", struct settings, tls),
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    my->gateway.pass_request_headers = my->gateway.pass_request_body = true;
    my->gateway.pass_trailers = true;
    return gateway_complete(scope, &my->gateway) && gateway_tls_complete(scope, &my->tls);
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct pass *pass = settings;
    const struct settings *my = pass->settings;
    struct gateway_target target = { .redirect_to = STR_NONE };
    struct str uri;
    enum verdict v = url_find(x, &pass->url, &my->gateway, &target, &uri);
    if (v != PASS)
        return v;
    target.uri = url_own_uri(x);
    return gateway_run(x, &my->gateway, &h2_client_codec, &target, VERSION_20);
}

const struct feature grpc_pass = {
    .name = "grpc_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .explain = run,
    .content_only = true,
};
