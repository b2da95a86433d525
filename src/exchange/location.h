/* Virtual servers and locations: where a request goes (nginx's server_name and location rules). */
#pragma once

#include "exchange/feature.h"
#include "net/listen.h"

/* One handler with the settings it runs with. */
struct call {
    const struct feature *feature;
    const void *settings;
};

struct calls {
    struct call *v;
    unsigned n;
};

/* What the core itself needs to know of a location; row by row in exchange/settings.c. */
struct core_settings {
    bool server_tokens_on;
    unsigned server_tokens; /* enum server_tokens */
    bool absolute_redirect, port_in_redirect, server_name_in_redirect;
    bool log_not_found, log_subrequest;
    bool internal;
    bool recursive_error_pages;
    bool chunked_transfer_encoding;
    bool reset_timedout_connection;
    bool tcp_nodelay, tcp_nopush, sendfile;
    bool msie_padding, etag;
    unsigned lingering_close; /* enum lingering */
    struct msec lingering_time, lingering_timeout;
    struct msec client_body_timeout, send_timeout;
    struct msec keepalive_timeout, keepalive_header, keepalive_time, keepalive_min_timeout;
    unsigned keepalive_requests;
    struct bytes client_max_body_size;
    struct bytes client_body_buffer_size;
    struct str client_body_temp_path;
    const struct template *root; /* root or alias */
    bool alias;
    struct str default_type;
    struct map *types; /* extension (lower case) → struct str * */
    const struct error_log *error_log;
    struct error_pages *error_pages; /* exchange/error_page.c */
    struct msec resolver_timeout;
    const struct resolver_settings *resolver;
};

enum server_tokens { TOKENS_OFF, TOKENS_ON, TOKENS_BUILD };
enum lingering { LINGERING_OFF, LINGERING_ON, LINGERING_ALWAYS };

enum location_kind {
    LOCATION_ROOT,
    LOCATION_PREFIX,
    LOCATION_PREFIX_FINAL /* ^~ */,
    LOCATION_EXACT,
    LOCATION_REGEX,
    LOCATION_NAMED
};

struct location {
    enum location_kind kind;
    struct str name; /* as written, without modifier */
    struct regex *regex;
    const struct virtual_server *server;
    struct location *parent;    /* NULL: the server's own (LOCATION_ROOT) */
    struct location_set *inner; /* nested locations, or NULL */
    const struct core_settings *core;
    void **settings;                      /* of all sets, by index: for variables */
    struct calls on_request[PHASE_COUNT]; /* PHASE_REWRITE … PHASE_CONTENT */
    struct calls on_response, on_log;
    struct call content;       /* a content handler set by its own directive (proxy_pass): before
                                  PHASE_CONTENT's list */
    struct str redirect_slash; /* "/api/" of a proxying prefix location: "/api" gets a 301 to it */
    struct span span;
};

struct server_http1; /* front/settings.h */

struct virtual_server {
    struct str name;       /* first server_name, for $server_name */
    struct location *root; /* the server's own settings; answers when no location matches */
    struct location_set *locations;
    struct map *named; /* "@name" → location */
    const struct core_settings *core;
    bool merge_slashes;
    const struct server_http1 *http1;
    struct calls on_request[PHASE_REWRITE]; /* PHASE_REAL_IP, PHASE_SERVER_REWRITE */
    struct span span;
};

/* An address that is listened on, in one snapshot: who answers there. */
struct listen_address {
    struct listen_options options;
    struct str text; /* "0.0.0.0:80": the key that a listener of the process keeps */
    struct virtual_server *fallback; /* default_server, or the first */
    struct host_table *hosts;
    bool tls, proxy_protocol, http2;
    struct span span;
};

/* The server for a host (already lower case, without port); captures of a regex name go to x (may
 * be NULL). */
const struct virtual_server *listen_address_server(const struct listen_address *l, struct str host,
                                                   struct exchange *x);
/* Finds x->location for x->uri by nginx's rules. */
enum verdict location_find(struct exchange *x);
