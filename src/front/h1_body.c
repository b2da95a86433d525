/* The request body as it comes from the wire (RFC 9112 6, 7). */
#include "front/h1_connection.h"

#include <errno.h>

static uint64_t
body_timeout(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core->client_body_timeout.ms;
}

static uint64_t
deadline_of(const struct exchange *x, const struct h1_exchange *h)
{
    uint64_t next = clock_in(h->read_timeout ? h->read_timeout : body_timeout(x));
    return next < h->read_end ? next : h->read_end;
}

/* Reads more, never beyond a known length: what follows is the next request's. A buffer is only
 * held while there are bytes in it. */
static int
read_more(struct exchange *x, struct h1_exchange *h)
{
    struct h1_connection *c = h->connection;
    uint64_t deadline = deadline_of(x, h);
    h1_release_input(c);
    int r = conn_wait_readable(&c->base->conn, deadline);
    if (r < 0)
        return r;
    c->in = buffer_take(BUFFER_SIZE);
    size_t most = c->in->cap;
    if (x->request.framing == FRAMING_LENGTH && h->left < most)
        most = (size_t)h->left;
    ssize_t n = conn_read(&c->base->conn, c->in->data, most, deadline);
    if (n <= 0)
        return n == 0 ? -ECONNRESET : (int)n;
    c->end = (size_t)n;
    c->heard_ms = clock_ms();
    return 0;
}

/* A piece of what is read ahead: 1, 0 at the end, -EAGAIN when more must be read, -EBADMSG when the
 * framing is broken. */
static int
next_of_length(struct h1_exchange *h, struct str ahead, struct chunk *out)
{
    size_t n = ahead.n < h->left ? ahead.n : (size_t)h->left;
    if (n == 0)
        return -EAGAIN;
    out->bytes = str_head(ahead, n);
    h->connection->start += n;
    h->left -= n;
    h->body_ended = out->last = h->left == 0;
    return 1;
}

static int
next_of_chunked(struct h1_exchange *h, struct str ahead, struct chunk *out)
{
    struct str rest = ahead;
    enum h1_outcome outcome = h1_chunked_next(h->chunked, &rest, &out->bytes);
    h->connection->start += ahead.n - rest.n;
    h->x->request_bytes += ahead.n - rest.n - out->bytes.n; /* the framing counts */
    if (outcome == H1_BAD)
        return -EBADMSG;
    h->body_ended = outcome == H1_DONE;
    if (out->bytes.n)
        return 1;
    return outcome == H1_DONE ? 0 : -EAGAIN;
}

int
h1_read_body(struct exchange *x, struct chunk *out)
{
    struct h1_exchange *h = x->connection;
    struct h1_connection *c = h->connection;
    bool tell = h->continue_owed && c->start == c->end && !x->head_sent;
    h->continue_owed = false;
    int r = tell ? h1_send_continue(h) : 0;
    if (h->body_ended)
        h1_release_input(c); /* the last piece is done with, the response may take long */
    while (r == 0 && !h->body_ended) {
        struct str ahead = h1_unread(c);
        r = -EAGAIN;
        if (ahead.n)
            r = x->request.framing == FRAMING_CHUNKED ? next_of_chunked(h, ahead, out)
                                                      : next_of_length(h, ahead, out);
        if (r == -EAGAIN)
            r = read_more(x, h);
    }
    if (r > 0)
        x->body_received += out->bytes.n;
    x->request_bytes += r > 0 ? out->bytes.n : 0;
    return r;
}

int
h1_finish_body(struct exchange *x, struct h1_exchange *h)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    struct chunk chunk;
    int r = 0;
    if (h->body_ended)
        return 0;
    if (h->continue_owed)
        return -EPIPE; /* the client may never send it: only closing is clear (RFC 9110 10.1.1) */
    h->read_timeout = core->lingering_timeout.ms;
    h->read_end = clock_in(core->lingering_time.ms);
    while (r >= 0 && !h->body_ended)
        r = clock_ms() < h->read_end ? h1_read_body(x, &chunk) : -ETIMEDOUT;
    return h->body_ended ? 0 : r;
}
