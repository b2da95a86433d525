/* The directives that every gateway feature has under its own prefix (proxy_, grpc_, fastcgi_ …):
 * one table, written once.
 *
 * GATEWAY_ROWS("proxy_", struct settings, gateway) expands to rows for the struct gateway_settings
 * member named last. */
#pragma once

#include "gateway/rewrite.h"

extern const struct choice gateway_next_upstream_choices[];
extern const struct choice gateway_ignore_choices[];
bool gateway_set_header(struct setting *s);
bool gateway_set_hide(struct setting *s);
bool gateway_set_limit_rate(struct setting *s);
bool gateway_set_bind(struct setting *s);
bool gateway_ignore(struct setting *s);
/* For the `complete` hook: what must hold between the fields. */
bool gateway_complete(struct scope *scope, struct gateway_settings *my);

#define GATEWAY_IN (IN_HTTP | IN_SERVER | IN_LOCATION)

#define GATEWAY_ROW(prefix, name, S, member, default_, help_)                         \
    {                                                                                 \
        prefix name, FIELD(S, member), GATEWAY_IN, .initial = default_, .help = help_ \
    }
#define GATEWAY_ACCEPTED(prefix, name, syntax_, example_, help_)                                   \
    {                                                                                              \
        prefix name, NO_FIELD, GATEWAY_IN, .set = gateway_ignore, .flags = IGNORED | REPEATABLE,   \
                                           .args_min = 1, .args_max = ARGS_ANY, .syntax = syntax_, \
                                           .example = prefix name " " example_ ";", .help = help_  \
    }

/* Whatever the protocol. */
#define GATEWAY_CORE_ROWS(prefix, S, m)                                                            \
    GATEWAY_ROW(prefix, "connect_timeout", S, m.connect_timeout, "60s",                            \
                "Longest time for connecting to a server."),                                       \
        GATEWAY_ROW(prefix, "send_timeout", S, m.send_timeout, "60s",                              \
                    "Longest time between two writes of a request to a server."),                  \
        GATEWAY_ROW(prefix, "read_timeout", S, m.read_timeout, "60s",                              \
                    "Longest time between two reads of a response from a server."),                \
        { prefix "next_upstream",                                                                  \
          FIELD(S, m.next_upstream),                                                               \
          GATEWAY_IN,                                                                              \
          .initial = "error timeout",                                                              \
          .choices = gateway_next_upstream_choices,                                                \
          .flags = CHOICES_ADD,                                                                    \
          .args_min = 1,                                                                           \
          .args_max = ARGS_ANY,                                                                    \
          .help = "In which cases a request is passed to the next server, as long as nothing was " \
                  "sent to the client." },                                                         \
        GATEWAY_ROW(prefix, "next_upstream_tries", S, m.next_upstream_tries, "0",                  \
                    "Most tries for a request; 0: as many as there are servers."),                 \
        GATEWAY_ROW(prefix, "next_upstream_timeout", S, m.next_upstream_timeout, "0",              \
                    "Time in which a request may be passed to a next server; 0: no limit."),       \
        GATEWAY_ROW(prefix, "buffer_size", S, m.buffer_size, "64k",                                \
                    "Largest response head accepted from a server."),                              \
        GATEWAY_ROW(prefix, "intercept_errors", S, m.intercept_errors, "off",                      \
                    "Responses of 300 and above go through error_page."),                          \
        GATEWAY_ROW(prefix, "socket_keepalive", S, m.socket_keepalive, "off",                      \
                    "TCP keep-alive towards servers."),                                            \
        { prefix "pass_header",                                                                    \
          PLACE(S, m.pass),                                                                        \
          GATEWAY_IN,                                                                              \
          .set = gateway_set_hide,                                                                 \
          .flags = MANY,                                                                           \
          .syntax = "field",                                                                       \
          .example = prefix "pass_header Server;",                                                 \
          .help = "Passes a field of the response that is not passed by default." },               \
        { prefix "hide_header",                                                                    \
          PLACE(S, m.hide),                                                                        \
          GATEWAY_IN,                                                                              \
          .set = gateway_set_hide,                                                                 \
          .flags = MANY,                                                                           \
          .syntax = "field",                                                                       \
          .example = prefix "hide_header X-Powered-By;",                                           \
          .help = "A field of the response that is not passed to the client." },                   \
        { prefix "ignore_headers",                                                                 \
          FIELD(S, m.ignore_headers),                                                              \
          GATEWAY_IN,                                                                              \
          .choices = gateway_ignore_choices,                                                       \
          .flags = CHOICES_ADD,                                                                    \
          .args_min = 1,                                                                           \
          .args_max = ARGS_ANY,                                                                    \
          .example = prefix "ignore_headers X-Accel-Redirect;",                                    \
          .help = "Fields of a response that are not obeyed." },                                   \
    {                                                                                              \
        prefix "bind", PLACE(S, m.bind), GATEWAY_IN,                                               \
            .set = gateway_set_bind, .args_min = 1, .args_max = 2,                                 \
            .syntax = "address [transparent] | off", .example = prefix "bind 127.0.0.1;",          \
            .help = "Local address of connections to servers; may have variables."                 \
    }

/* Where bodies may be kept, and are not the two halves of a conversation. */
#define GATEWAY_BODY_ROWS(prefix, S, m)                                                            \
    GATEWAY_ROW(prefix, "request_buffering", S, m.request_buffering, "on",                         \
                "Reads the whole request body before asking a server, so that it can be sent "     \
                "again to the next one. Off: it is sent as it arrives."),                          \
        GATEWAY_ROW(prefix, "buffering", S, m.buffering, "on",                                     \
                    "Accepted: a response is passed on as it arrives, at the client's pace, in "   \
                    "constant memory."),                                                           \
        GATEWAY_ACCEPTED(prefix, "buffers", "number size", "8 8k",                                 \
                         "Accepted; buffers size themselves."),                                    \
        GATEWAY_ACCEPTED(prefix, "busy_buffers_size", "size", "16k",                               \
                         "Accepted; buffers size themselves."),                                    \
        GATEWAY_ACCEPTED(prefix, "max_temp_file_size", "size", "0",                                \
                         "Accepted; responses are never written to files."),                       \
        GATEWAY_ACCEPTED(prefix, "temp_file_write_size", "size", "16k",                            \
                         "Accepted; responses are never written to files."),                       \
        GATEWAY_ACCEPTED(prefix, "temp_path", "path [level1 [level2 [level3]]]", "/tmp",           \
                         "Accepted; responses are never written to files."),                       \
        GATEWAY_ROW(prefix, "ignore_client_abort", S, m.ignore_client_abort, "off",                \
                    "Goes on with the server when the client has gone."),                          \
        GATEWAY_ROW(prefix, "pass_request_headers", S, m.pass_request_headers, "on",               \
                    "Whether the client's header fields are passed."),                             \
        GATEWAY_ROW(prefix, "pass_request_body", S, m.pass_request_body, "on",                     \
                    "Whether the request body is passed."),                                        \
        GATEWAY_ROW(prefix, "force_ranges", S, m.force_ranges, "off",                              \
                    "Byte ranges are served whatever the server says."),                           \
    {                                                                                              \
        prefix "limit_rate", PLACE(S, m.limit_rate), GATEWAY_IN,                                   \
            .example = prefix "limit_rate 100k;", .set = gateway_set_limit_rate, .syntax = "rate", \
            .help = "Bytes a second of a response that are read from a server; 0: no limit. May "  \
                    "have variables."                                                              \
    }

#define GATEWAY_ROWS(prefix, S, m) GATEWAY_CORE_ROWS(prefix, S, m), GATEWAY_BODY_ROWS(prefix, S, m)
