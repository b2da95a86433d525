/* A client's HTTP/2 connection: a link whose streams become exchanges, each on a fiber of its own.
 * It is busy while one of them is under way, and owns no fiber or buffer otherwise. */
#pragma once

#include "exchange/snapshot.h"
#include "front/connection.h"
#include "h2/h2.h"

struct h2_connection {
    struct connection *base;
    struct h2_link *link;
    struct list exchanges; /* struct h2_exchange, those with a fiber and those still without */
    unsigned n;            /* of them */
    bool dead;             /* the link is: it ends with its last exchange */
    uint64_t idle_timeout; /* keepalive_timeout of the last request, ms */
    uint64_t idle_min;     /* its keepalive_min_timeout, ms */
    uint32_t linger_ms, linger_each_ms; /* lingering_time, lingering_timeout */
};

/* The codec's own of an exchange (x->connection), and the stream's owner. */
struct h2_exchange {
    struct h2_connection *connection;
    struct list at;
    struct exchange *x;
    struct h2_stream *stream;
    struct fiber *fiber; /* NULL while the head is on its way */
    struct body body;    /* x->request_body; its owner is found by container_of */
    struct h2_head head; /* of the response */
    bool head_held;      /* made, not sent yet */
    bool ended;
    bool bodiless; /* the request ended with its head; its stream may have ended since */
    bool continue_owed;
    unsigned refused; /* the head was: 414, 431 */
    int64_t promised; /* bytes of body still due by Content-Length; -1: none announced */
    uint64_t send_timeout;
    struct str websocket_key; /* extended CONNECT (RFC 8441): the Sec-WebSocket-Key made for it */
    bool extended;            /* it is one */
};

extern const struct server_codec h2_server_codec;

/* True when what the client has sent so far is the beginning of an HTTP/2 connection preface (RFC
 * 9113 3.4), all of it or all that is there when `deadline` comes; false when it is something else.
 * Nothing is taken off the socket. */
bool h2_is_preface(struct connection *base, uint64_t deadline);
/* From here on it speaks HTTP/2; on the connection's fiber, which ends soon after. */
void h2_connection_begin(struct connection *base, const struct listen_address *l);

/* h2_start.c: fills x from the stream's head. */
void h2_start_exchange(struct exchange *x, struct h2_exchange *h, const struct listen_address *l);
int h2_read_body(struct exchange *x, struct chunk *out);

/* h2_websocket.c: extended CONNECT in the guise that HTTP/1.1 knows, and the answer to it. */
void h2_websocket_request(struct exchange *x, struct h2_exchange *h);
/* 0, or -EPROTO: it is no answer to what was asked. */
int h2_websocket_response(struct exchange *x, struct h2_exchange *h);
