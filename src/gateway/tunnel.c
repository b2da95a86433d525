/* After a 101: bytes both ways. One fiber a direction; an end of one side is passed on as a
 * half-close. */
#include "gateway/gateway.h"

#include "exchange/upstream_trail.h"

#include <errno.h>

struct tunnel {
    struct gateway *gateway;
    struct conn *client, *backend;
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

static void
pump_from_client(void *arg)
{
    struct tunnel *t = arg;
    int r = pump(t, t->client, t->backend, &t->gateway->step->sent);
    if (r < 0 && !fiber_cancelled())
        fiber_cancel(t->owner);
}

/* What either side sent ahead of the switch. */
static int
send_ahead(struct tunnel *t, struct str from_client)
{
    struct gateway *g = t->gateway;
    int r = 0;
    if (from_client.n)
        r = conn_write(t->backend, from_client.p, from_client.n, g->my->send_timeout.ms);
    if (r == 0 && g->end > g->start)
        r = conn_write(t->client, g->in->data + g->start, g->end - g->start,
                       g->my->send_timeout.ms);
    gateway_drop_input(g);
    return r;
}

enum verdict
gateway_tunnel(struct gateway *g)
{
    struct exchange *x = g->x;
    struct tunnel t = { .gateway = g,
                        .backend = &g->attempt.conn->conn,
                        .last_ms = clock_ms(),
                        .owner = fiber_self() };
    struct child child;
    struct str pending;
    x->cancel_on_gone = NULL;
    g->head.keep_alive = false; /* it speaks HTTP no more */
    if (x->codec->write_head(x) < 0 || x->codec->flush(x) < 0 || x->codec->hijack == NULL)
        x->aborted = true;
    x->head_sent = true;
    if (!x->aborted) {
        t.client = x->codec->hijack(x, &pending);
        if (send_ahead(&t, pending) == 0) {
            uint64_t before = t.client->bytes_written;
            child_start(&child, pump_from_client, &t);
            if (pump(&t, t.backend, t.client, &g->step->received) < 0)
                child_cancel(&child);
            child_join(&child);
            x->sent_bytes += t.client->bytes_written - before;
            x->sent_body_bytes += t.client->bytes_written - before;
        }
    }
    gateway_finish(g);
    return SENT;
}
