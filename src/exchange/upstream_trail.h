/* The tries at backends of one exchange, for $upstream_addr and its kin: one step a try, in order.
 */
#pragma once

#include "base/arena.h"

#include "http/field.h"

struct upstream_step {
    struct upstream_step *next;
    struct str peer; /* $upstream_addr */
    unsigned status; /* 0: none */
    uint64_t began_us;
    int64_t connect_us, header_us, response_us; /* -1: did not come to it */
    uint64_t sent, received;                    /* $upstream_bytes_sent, _received */
    uint64_t body;                              /* $upstream_response_length */
    bool group_end; /* nginx separates groups of servers (internal redirects) by " : " instead of ",
                       " */
};

struct upstream_trail {
    struct upstream_step *first, *last;
    const struct fields *fields;   /* of the last response, for $upstream_http_ */
    const struct fields *trailers; /* for $upstream_trailer_ */
    struct str last_server;        /* as configured: $upstream_last_server_name */
    struct str host;               /* $proxy_host */
    struct str port;               /* $proxy_port */
    struct str scheme;             /* "http://", for the error log's upstream: "…" */
    struct str uri;                /* the request target as sent there, for the same */
};
