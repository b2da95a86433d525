/* The request body as it comes from the wire (RFC 9112 6, 7). */
#include "front/h1_connection.h"

#include <errno.h>

static uint64_t
body_timeout(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core->client_body_timeout.ms;
}

/* What was read ahead: first behind the head, then in the body's own buffer. */
static struct str
read_ahead(struct h1_exchange *h)
{
    struct h1_connection *c = h->connection;
    if (c->end > c->start)
        return str_between(c->in->data + c->start, c->in->data + c->end);
    return h->body_in
               ? str_between(h->body_in->data + h->body_start, h->body_in->data + h->body_end)
               : STR_NONE;
}

static void
consume(struct h1_exchange *h, size_t n)
{
    struct h1_connection *c = h->connection;
    if (c->end > c->start)
        c->start += n;
    else
        h->body_start += n;
}

/* Reads more into the body's buffer, never beyond a known length: what follows is the next
 * request's. The buffer is only held while there are bytes in it. */
static int
read_more(struct exchange *x, struct h1_exchange *h)
{
    struct conn *conn = &h->connection->conn;
    uint64_t deadline = clock_in(body_timeout(x));
    if (!conn_maybe_readable(conn)) {
        buffer_put(h->body_in);
        h->body_in = NULL;
        int r = conn_wait_readable(conn, deadline);
        if (r < 0)
            return r;
    }
    if (h->body_in == NULL)
        h->body_in = buffer_take(BUFFER_SIZE);
    size_t most = h->body_in->cap;
    if (x->request.framing == FRAMING_LENGTH && h->left < most)
        most = (size_t)h->left;
    ssize_t n = conn_read(conn, h->body_in->data, most, deadline);
    if (n <= 0)
        return n == 0 ? -ECONNRESET : (int)n;
    h->body_start = 0;
    h->body_end = (size_t)n;
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
    consume(h, n);
    h->left -= n;
    h->body_ended = out->last = h->left == 0;
    return 1;
}

static int
next_of_chunked(struct h1_exchange *h, struct str ahead, struct chunk *out)
{
    struct str rest = ahead;
    enum h1_outcome outcome = h1_chunked_next(&h->chunked, &rest, &out->bytes);
    consume(h, ahead.n - rest.n);
    if (outcome == H1_BAD)
        return -EBADMSG;
    h->body_ended = outcome == H1_DONE;
    if (out->bytes.n)
        return 1;
    return outcome == H1_DONE ? 0 : -EAGAIN;
}

static int
send_continue(struct h1_exchange *h)
{
    static const struct str line = { "HTTP/1.1 100 Continue\r\n\r\n", 25 };
    h->continue_owed = false;
    return conn_write(&h->connection->conn, line.p, line.n, body_timeout(h->x));
}

int
h1_read_body(struct exchange *x, struct chunk *out)
{
    struct h1_exchange *h = x->connection;
    int r = h->continue_owed && read_ahead(h).n == 0 ? send_continue(h) : 0;
    h->continue_owed = false;
    while (r == 0 && !h->body_ended) {
        struct str ahead = read_ahead(h);
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

/* Bytes that may be read and dropped to save the connection. */
enum { DRAIN_MOST = 1 << 20 };

int
h1_finish_body(struct exchange *x, struct h1_exchange *h)
{
    struct chunk chunk;
    uint64_t dropped = 0;
    if (h->continue_owed && !h->body_ended)
        return -EPIPE; /* the client may never send it: only closing is clear (RFC 9110 10.1.1) */
    while (!h->body_ended && dropped < DRAIN_MOST) {
        int r = h1_read_body(x, &chunk);
        if (r < 0)
            return r;
        dropped += r > 0 ? chunk.bytes.n : 0;
    }
    return h->body_ended ? 0 : -EMSGSIZE;
}
