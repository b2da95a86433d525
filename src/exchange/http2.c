/* http2_*: windows, streams and frames; and the words that nginx has given up. `http2` itself is
 * with the server's settings. */
#include "exchange/http2.h"

#define HTTP2(member) FIELD(struct http2_settings, member)

/* A row's .syntax tells what took its place. */
static bool
set_obsolete(struct setting *s)
{
    static const struct {
        const char *name, *now;
    } heirs[] = { { "http2_idle_timeout", "keepalive_timeout" },
                  { "http2_recv_timeout", "client_header_timeout" },
                  { "http2_max_requests", "keepalive_requests" },
                  { "http2_max_field_size", "large_client_header_buffers" },
                  { "http2_max_header_size", "large_client_header_buffers" } };
    const struct str name = setting_arg(s, 0);
    for (size_t i = 0; i < sizeof heirs / sizeof heirs[0]; i++)
        if (str_eq(name, str_of(heirs[i].name))) {
            setting_warn(s, 0,
                         "the \"" STR_FMT "\" directive is obsolete, use the \"%s\" directive "
                         "instead",
                         STR_ARG(name), heirs[i].now);
            return true;
        }
    setting_warn(s, 0, "the \"" STR_FMT "\" directive is obsolete, ignored", STR_ARG(name));
    return true;
}

#define OBSOLETE(word, where, what, say)                                                     \
    {                                                                                        \
        word, NO_FIELD, where, .set = set_obsolete, .flags = IGNORED | MANY, .syntax = what, \
                               .args_min = 1, .args_max = 1,                                 \
                               .help = "Accepted with a warning, without effect: " say,      \
                               .example = word " 1;"                                         \
    }

static bool
complete(struct scope *scope, void *settings)
{
    struct http2_settings *my = settings;
    my->max_concurrent_streams = my->max_concurrent_streams ? my->max_concurrent_streams : 1;
    my->chunk_size.n = my->chunk_size.n ? my->chunk_size.n : 1;
    my->chunk_size.n = my->chunk_size.n < 16384 ? my->chunk_size.n : 16384;
    return true;
}

static const struct directive rows[] = {
    { "http2_max_concurrent_streams", HTTP2(max_concurrent_streams), IN_HTTP | IN_SERVER,
      .initial = "128", .help = "Requests that a client may have under way on one connection." },
    { "http2_recv_buffer_size", HTTP2(recv_buffer_size), IN_HTTP, .initial = "256k",
      .help = "Four times as much of request bodies may be sent ahead of their readers on one "
              "connection." },
    { "http2_body_preread_size", HTTP2(body_preread_size), IN_HTTP | IN_SERVER, .initial = "64k",
      .help = "How much of one request's body may come before anybody reads it." },
    { "http2_chunk_size", HTTP2(chunk_size), IN_HTTP | IN_SERVER | IN_LOCATION, .initial = "8k",
      .help = "Largest piece of a response body that is sent at once, so that other responses get "
              "their turn; at most 16k." },
    OBSOLETE("http2_idle_timeout", IN_HTTP | IN_SERVER, "time", "see keepalive_timeout."),
    OBSOLETE("http2_recv_timeout", IN_HTTP | IN_SERVER, "time", "see client_header_timeout."),
    OBSOLETE("http2_max_requests", IN_HTTP | IN_SERVER, "number", "see keepalive_requests."),
    OBSOLETE("http2_max_field_size", IN_HTTP | IN_SERVER, "size",
             "see large_client_header_buffers."),
    OBSOLETE("http2_max_header_size", IN_HTTP | IN_SERVER, "size",
             "see large_client_header_buffers."),
    OBSOLETE("http2_max_concurrent_pushes", IN_HTTP | IN_SERVER, "number",
             "nothing is pushed to clients; see early_hints."),
    OBSOLETE("http2_push", IN_HTTP | IN_SERVER | IN_LOCATION, "uri | off",
             "nothing is pushed to clients; see early_hints."),
    OBSOLETE("http2_push_preload", IN_HTTP | IN_SERVER | IN_LOCATION, "on | off",
             "nothing is pushed to clients; see early_hints."),
    { 0 },
};

const struct directive_set http2_directives = {
    .name = "http2",
    .settings_size = sizeof(struct http2_settings),
    .directives = rows,
    .complete = complete,
};
