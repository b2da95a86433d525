/* What the core itself needs to know of a location and of a server; the rows are in settings.c. */
#pragma once

#include "base/map.h"
#include "config/compile.h"
#include "exchange/values/template.h"

struct error_pages;

enum server_tokens { TOKENS_OFF, TOKENS_ON, TOKENS_BUILD };
enum body_in_file { BODY_IN_MEMORY, BODY_IN_FILE, BODY_IN_FILE_CLEAN };
enum lingering { LINGERING_OFF, LINGERING_ON, LINGERING_ALWAYS };

/* http, server, location */
struct core_settings {
    unsigned server_tokens;           /* enum server_tokens */
    const struct template *signature; /* in place of what they say; or NULL */
    bool absolute_redirect, port_in_redirect, server_name_in_redirect;
    bool log_not_found, log_subrequest, recursive_error_pages;
    bool chunked_transfer_encoding, reset_timedout_connection;
    bool tcp_nodelay, tcp_nopush, sendfile, etag;
    bool uninitialized_variable_warn;
    unsigned lingering_close; /* enum lingering */
    struct msec lingering_time, lingering_timeout;
    struct msec client_body_timeout, send_timeout;
    struct msec keepalive_timeout, keepalive_header, keepalive_time, keepalive_min_timeout;
    unsigned keepalive_requests;
    struct bytes client_body_buffer_size, subrequest_output_buffer_size;
    struct str client_body_temp_path;  /* followed by a NUL */
    unsigned client_body_in_file_only; /* enum body_in_file */
    const struct template *root;       /* root or alias */
    uint64_t root_scope;               /* serial of the scope that said it */
    bool alias;
    size_t alias_cut; /* how much of the URI the alias stands for; SIZE_MAX: all (a regex location)
                       */
    bool internal;
    const struct template *default_type;
    const struct map *types; /* extension, any case → struct str * */
    struct error_pages *error_pages;
    const struct template **early_hints; /* any of them true: a 103 is passed; ends with NULL */
};

/* http, server */
struct server_settings {
    struct bytes client_header_buffer_size;
    struct header_buffers {
        unsigned n;
        struct bytes size;
    } large;
    struct msec client_header_timeout;
    unsigned max_headers;
    bool http2;
    bool underscores_in_headers, ignore_invalid_headers, merge_slashes;
    struct bytes connection_pool_size, request_pool_size; /* accepted; arenas size themselves */
};

extern const struct directive_set core_directives;     /* struct core_settings */
extern const struct directive_set server_directives;   /* struct server_settings */
extern const struct directive_set accepted_directives; /* read, and without effect */
extern const struct directive_set
    http_directives; /* events, http, server, location, listen, server_name; no settings */
