/* A client's HTTP/1 connection: served by a fiber while a request is under way, parked without
 * fiber or buffer while idle. */
#pragma once

#include "exchange/snapshot.h"
#include "front/connection.h"
#include "net/buffer.h"
#include "wire/h1.h"

struct h1_connection {
    struct connection *base;
    struct exchange *exchange; /* under way, else NULL */
    struct buffer *in;         /* read ahead; NULL when nothing is: a long exchange holds none */
    size_t start, end;         /* unread part of it */
    uint64_t heard_ms;         /* when bytes of the present request last came */
    int head_error; /* why the present head is refused unparsed: -E2BIG, -ETIMEDOUT, -ECONNRESET;
                       else 0 */
    uint64_t idle_timeout; /* keepalive_timeout of the last request, ms; 0 before the first */
    uint64_t idle_min;     /* its keepalive_min_timeout, ms */
    uint32_t linger_ms, linger_each_ms; /* lingering_time, lingering_timeout of the last request */
    unsigned char blanks;               /* empty lines since the last request */
    bool nodelay;                       /* the socket's TCP_NODELAY */
    bool lingering; /* close with care: unread request bytes may be on their way */
    bool pipelined; /* the next request was there already when the last one had ended */
    bool hijacked;  /* the raw streams belong to the content handler */
};

/* Ten thousand idle connections are to cost less than a KiB each, allocator and timer included. */
_Static_assert(sizeof(struct h1_connection) + sizeof(struct connection) <= 616,
               "an idle connection is small");

/* The codec's own of an exchange (x->connection). */
struct h1_exchange {
    struct h1_connection *connection;
    struct body body; /* x->request_body; its owner is found by container_of */
    struct exchange *x;
    uint64_t left;              /* of a body with a length */
    struct h1_chunked *chunked; /* NULL: not so framed */
    uint64_t read_timeout;      /* between two reads of the body, ms; 0: client_body_timeout */
    uint64_t read_end;          /* of all reading; NEVER: none */
    bool body_ended;
    bool continue_owed; /* Expect: 100-continue was not answered yet */
    bool chunked_out, ended;
    int64_t promised; /* bytes of body still due by Content-Length; -1: none announced */
    struct fiber *writer,
        *queue;      /* who writes; who waits for it (100 Continue has its own fiber) */
    bool broken;     /* a write failed, maybe half way: nothing more may follow */
    struct buf head; /* serialised, not sent yet */
    bool head_held;
    uint64_t send_timeout;
};

extern const struct server_codec h1_server_codec;

/* Serves a new connection, on its fiber: from here on it speaks HTTP/1. */
void h1_connection_begin(struct connection *base);

static inline struct str
h1_unread(const struct h1_connection *c)
{
    return c->in ? str_between(c->in->data + c->start, c->in->data + c->end) : STR_NONE;
}
/* Puts the buffer back when nothing in it is unread. */
static inline void
h1_release_input(struct h1_connection *c)
{
    if (c->start < c->end)
        return;
    buffer_put(c->in);
    c->in = NULL;
    c->start = c->end = 0;
}

/* h1_head.c: reads the next head; *head lies in c->in, until that is read into again. 1: it is
 * complete, or can never become a request; 0: the connection ends quietly; -EAGAIN: nothing has
 * come; else -errno, with -E2BIG when it outgrew its limits and -ETIMEDOUT after part of it came.
 * settings are not looked at after a wait. */
int h1_read_head(struct h1_connection *c, const struct server_settings *settings, struct str *head);
/* h1_start.c: fills x from a complete head (or a refused one: the failure is prepared). The head
 * must live as long as x. */
void h1_start_exchange(struct exchange *x, struct h1_exchange *h, const struct listen_address *l,
                       struct str head);
/* h1_body.c: what is left of the request body is read and dropped, for lingering_time at most; 0
 * when the connection can go on. */
int h1_finish_body(struct exchange *x, struct h1_exchange *h);
int h1_read_body(struct exchange *x, struct chunk *out);
/* h1_codec.c: 100 Continue, from whichever fiber reads the body. */
int h1_send_continue(struct h1_exchange *h);
