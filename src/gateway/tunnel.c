/* After a 101: bytes both ways. One fiber a direction; an end of one side is passed on as a
 * half-close. The client's side is its connection, or a stream of one that others share. */
#include "gateway/gateway.h"

#include "exchange/upstream_trail.h"
#include "gateway/backend_io.h"

#include <errno.h>

struct tunnel {
    struct gateway *gateway;
    struct conn *client; /* NULL: a stream, through the codec */
    struct conn *backend;
    uint64_t last_ms; /* when bytes last moved, either way */
    struct fiber *owner;
};

/* Waits for bytes; an idle time-out counts from the last movement in either direction. */
static int
wait(struct tunnel *t, struct conn *from, uint64_t timeout_ms)
{
    int r;
    do
        r = conn_wait_readable(from, t->last_ms + timeout_ms);
    while (r == -ETIMEDOUT && t->last_ms + timeout_ms > clock_ms());
    return r;
}

/* Copies until `from` ends: 0, or -errno. Holds a buffer only while bytes move. */
static int
pump(struct tunnel *t, struct conn *from, struct conn *to, uint64_t *count)
{
    const struct gateway_settings *my = t->gateway->my;
    for (;;) {
        int r = conn_maybe_readable(from) ? 0 : wait(t, from, my->read_timeout.ms);
        if (r < 0)
            return r;
        struct buffer *b = buffer_take(BUFFER_SIZE);
        ssize_t n = conn_try_read(from, b->data, b->cap);
        r = n > 0 ? conn_write(to, b->data, (size_t)n, my->send_timeout.ms) : (int)n;
        buffer_put(b);
        if (n == -EAGAIN)
            continue;
        if (n == 0) {
            conn_shutdown_write(to);
            return 0;
        }
        if (r < 0)
            return r;
        *count += (uint64_t)n;
        t->last_ms = clock_ms();
    }
}

/* --- A stream as the client's side --- */

static int
write_stream(struct tunnel *t, struct str bytes)
{
    struct exchange *x = t->gateway->x;
    struct chunk chunk = { .file = -1, .bytes = bytes };
    int r = x->codec->write_body(x, &chunk);
    return r < 0 ? r : x->codec->flush(x);
}

static int
pump_to_stream(struct tunnel *t)
{
    const struct gateway_settings *my = t->gateway->my;
    struct exchange *x = t->gateway->x;
    for (;;) {
        int r = conn_maybe_readable(t->backend) ? 0 : wait(t, t->backend, my->read_timeout.ms);
        if (r < 0)
            return r;
        struct buffer *b = buffer_take_small();
        ssize_t n = conn_try_read(t->backend, b->data, b->cap);
        r = n > 0 ? write_stream(t, (struct str){ b->data, (size_t)n }) : (int)n;
        buffer_put(b);
        if (n == -EAGAIN)
            continue;
        if (n == 0)
            return x->codec->write_end(x);
        if (r < 0)
            return r;
        t->gateway->step->received += (uint64_t)n;
        t->last_ms = clock_ms();
    }
}

static int
read_stream(struct tunnel *t, struct chunk *out)
{
    struct exchange *x = t->gateway->x;
    uint64_t timeout_ms = t->gateway->my->read_timeout.ms;
    int r;
    do
        r = x->codec->read_tunnel(x, out, t->last_ms + timeout_ms);
    while (r == -ETIMEDOUT && t->last_ms + timeout_ms > clock_ms());
    return r;
}

static int
pump_from_stream(struct tunnel *t)
{
    const struct gateway_settings *my = t->gateway->my;
    struct chunk chunk;
    int r;
    while ((r = read_stream(t, &chunk)) > 0) {
        r = conn_write(t->backend, chunk.bytes.p, chunk.bytes.n, my->send_timeout.ms);
        if (r < 0)
            return r;
        t->gateway->step->sent += chunk.bytes.n;
        t->last_ms = clock_ms();
    }
    if (r == 0)
        conn_shutdown_write(t->backend);
    return r;
}

/* --- Both directions --- */

static void
pump_from_client(void *arg)
{
    struct tunnel *t = arg;
    int r =
        t->client ? pump(t, t->client, t->backend, &t->gateway->step->sent) : pump_from_stream(t);
    if (r < 0 && !fiber_cancelled())
        fiber_cancel(t->owner);
}

static int
pump_to_client(struct tunnel *t)
{
    return t->client ? pump(t, t->backend, t->client, &t->gateway->step->received)
                     : pump_to_stream(t);
}

/* What either side sent ahead of the switch. */
static int
send_ahead(struct tunnel *t, struct str from_client)
{
    struct gateway *g = t->gateway;
    uint64_t timeout_ms = g->my->send_timeout.ms;
    struct str ahead = backend_unread(g);
    int r = 0;
    if (from_client.n)
        r = conn_write(t->backend, from_client.p, from_client.n, timeout_ms);
    if (r == 0 && ahead.n)
        r = t->client ? conn_write(t->client, ahead.p, ahead.n, timeout_ms)
                      : write_stream(t, ahead);
    gateway_drop_input(g);
    return r;
}

static void
relay(struct tunnel *t)
{
    struct exchange *x = t->gateway->x;
    struct child child;
    struct str pending = STR_NONE;
    t->client = x->codec->hijack ? x->codec->hijack(x, &pending) : NULL;
    if (send_ahead(t, pending) < 0)
        return;
    uint64_t before = t->client ? t->client->bytes_written : 0;
    child_start(&child, pump_from_client, t);
    if (pump_to_client(t) < 0)
        child_cancel(&child);
    child_join(&child);
    if (t->client) { /* a stream's codec counts by itself */
        x->sent_bytes += t->client->bytes_written - before;
        x->sent_body_bytes += t->client->bytes_written - before;
    }
}

enum verdict
gateway_tunnel(struct gateway *g)
{
    struct exchange *x = g->x;
    struct tunnel t = { .gateway = g,
                        .backend = &g->attempt.conn->conn,
                        .last_ms = clock_ms(),
                        .owner = fiber_self() };
    x->cancel_on_gone = NULL;
    g->head.keep_alive = false; /* it speaks HTTP no more */
    if (x->codec->write_head(x) < 0 || x->codec->flush(x) < 0)
        x->aborted = true;
    x->head_sent = true;
    if (!x->aborted)
        relay(&t);
    gateway_drop_input(g);
    gateway_finish(g);
    return SENT;
}
