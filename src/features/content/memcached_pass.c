/* memcached_pass: responses from memcached, by $memcached_key. */
#include "exchange/snapshot.h"
#include "gateway/memcached_client.h"
#include "gateway/pass.h"
#include "gateway/rows.h"
#include "wire/memcached.h"

/* memcached_*: shared by all locations that set none of their own */
struct settings {
    struct memcached_settings memcached;
};

/* memcached_pass: one location's own */
struct lookup {
    struct pass pass; /* first */
    const struct variable_ref *key;
};

extern const struct feature memcached_pass;

static const struct url_scheme schemes[] = { { "memcached", 0, "", false }, { NULL } };

static const struct pass_family family = {
    .feature = &memcached_pass,
    .rules = { .schemes = schemes, .bare = true, .schemeless = true },
};

static bool
set_pass(struct setting *s)
{
    struct lookup *my = arena_new(s->compile->arena, struct lookup);
    struct snapshot *snapshot = s->compile->snapshot;
    if (!pass_set(s, &family, &my->pass))
        return false;
    my->key = variable_define(&snapshot->variables, STR("memcached_key"));
    return my->key || setting_error(s, 0, "the duplicate \"memcached_key\" variable");
}

static const struct choice next_choices[] = { { "error", NEXT_ERROR },
                                              { "timeout", NEXT_TIMEOUT },
                                              { "invalid_response", NEXT_INVALID_HEADER },
                                              { "not_found", NEXT_HTTP_404 },
                                              { "off", NEXT_OFF },
                                              { NULL, 0 } };

#define ROW(name, member, initial, help) \
    GATEWAY_ROW("memcached_", name, struct settings, memcached.gateway.member, initial, help)

static const struct directive directives[] = {
    { "memcached_pass", NO_FIELD, IN_LOCATION | IN_LOCATION_IF, .set = set_pass,
      .flags = SETTINGS_APART, .syntax = "address", .example = "memcached_pass 127.0.0.1:11211;",
      .help = "Answers with what a memcached server or a group of them has under $memcached_key; "
              "404 when it has nothing. The address is host:port, unix:/path, or a group's name; "
              "it may have variables." },
    { "memcached_gzip_flag", FIELD(struct settings, memcached.gzip_flag), GATEWAY_IN,
      .syntax = "flag", .example = "memcached_gzip_flag 2;",
      .help = "The bits of a value's flags that say that it is in gzip: Content-Encoding says so "
              "then." },
    { "memcached_next_upstream", FIELD(struct settings, memcached.gateway.next_upstream),
      GATEWAY_IN, .initial = "error timeout", .choices = next_choices, .flags = CHOICES_ADD,
      .args_min = 1, .args_max = ARGS_ANY, .help = "In which cases the next server is asked." },
    ROW("next_upstream_tries", next_upstream_tries, "0",
        "Most tries for a request; 0: as many as there are servers."),
    ROW("next_upstream_timeout", next_upstream_timeout, "0",
        "Time in which a next server may be asked; 0: no limit."),
    ROW("connect_timeout", connect_timeout, "60s", "Longest time for connecting to a server."),
    ROW("send_timeout", send_timeout, "60s", "Longest time between two writes of a request."),
    ROW("read_timeout", read_timeout, "60s", "Longest time between two reads of a response."),
    ROW("buffer_size", buffer_size, "64k", "Longest line accepted in front of a value."),
    ROW("socket_keepalive", socket_keepalive, "off", "TCP keep-alive towards servers."),
    { "memcached_bind", PLACE(struct settings, memcached.gateway.bind), GATEWAY_IN,
      .set = gateway_set_bind, .args_min = 1, .args_max = 2,
      .syntax = "address [transparent] | off", .example = "memcached_bind 127.0.0.1;",
      .help = "Local address of connections to servers; may have variables." },
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    struct gateway_settings *my = &((struct settings *)settings)->memcached.gateway;
    my->force_ranges = true;
    return gateway_complete(scope, my);
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct lookup *lookup = settings;
    const struct settings *my = lookup->pass.settings;
    const struct gateway_settings *gateway = &my->memcached.gateway;
    struct gateway_target target = { .redirect_to = STR_NONE };
    struct str uri, key;
    if (x->request.method != METHOD_GET && x->request.method != METHOD_HEAD)
        return fail(x, FAULT_METHOD_NOT_ALLOWED, "%s", "");
    if (!variable_get(x, lookup->key, &key) || key.n == 0)
        return fail(x, FAULT_INTERNAL, "the \"$memcached_key\" variable is not set");
    enum verdict v = url_find(x, &lookup->pass.url, gateway, &target, &uri);
    if (v != PASS)
        return v;
    target.uri = memcached_key(key, &x->arena);
    return gateway_run(x, gateway, &memcached_client_codec, &target, VERSION_11);
}

const struct feature memcached_pass = {
    .name = "memcached_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .content_only = true,
    .explain = run,
};
