/* The life of a client connection: open, idle, serving, closed. */
#include "front/h1_connection.h"

#include "base/must.h"
#include "front/front_thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* For the first request of a connection that a process about to end has accepted. */
enum { FIRST_REQUEST_MS = 1000 };

static _Atomic uint64_t serials;

static void serve(void *arg);

static void
set_link(struct h1_connection *c, struct list *where)
{
    if (list_linked(&c->link))
        list_remove(&c->link);
    list_push_back(where, &c->link);
}

/* Something came on an idle connection: a fiber takes over. */
static void
wake_idle(struct watch *w, unsigned bits)
{
    struct h1_connection *c = (struct h1_connection *)w;
    struct front_thread *f = front_self();
    if (c->fiber || !(bits & (WATCH_READ | WATCH_HANGUP | WATCH_ERROR)))
        return;
    timer_set(&c->timer, NEVER);
    set_link(c, &f->busy);
    atomic_fetch_sub_explicit(&f->waiting, 1, memory_order_relaxed);
    c->fiber = fiber_spawn(serve, c);
}

/* The client went away while nobody reads from it: whoever waits for somebody else is told. */
static void
notice_hangup(struct watch *w, unsigned bits)
{
    struct h1_connection *c = (struct h1_connection *)w;
    if (!(bits & (WATCH_HANGUP | WATCH_ERROR)) || c->exchange == NULL)
        return;
    c->exchange->client_gone = true;
    if (c->exchange->cancel_on_gone)
        fiber_cancel(c->exchange->cancel_on_gone);
}

static void
idle_timed_out(struct timer *t)
{
    h1_connection_close(container_of(t, struct h1_connection, timer));
}

static void
go_idle(struct h1_connection *c, uint64_t timeout_ms)
{
    struct front_thread *f = front_self();
    buffer_put(c->in);
    c->in = NULL;
    c->fiber = NULL;
    c->conn.watch.on_event = wake_idle;
    set_link(c, &f->idle);
    atomic_fetch_add_explicit(&f->waiting, 1, memory_order_relaxed);
    timer_set(&c->timer, clock_in(timeout_ms));
}

static uint64_t
header_timeout(struct h1_connection *c)
{
    const struct listen_address *l = listener_listen(c->listener);
    return l ? l->fallback->settings->client_header_timeout.ms : 0;
}

void
h1_connection_open(struct listener *l, int fd, const struct address *peer)
{
    struct h1_connection *c = calloc(1, sizeof *c);
    char text[ADDRESS_TEXT_MAX];
    must(c != NULL);
    c->listener = l;
    c->client.fd = fd;
    c->client.peer = *peer;
    c->client.local = l->address;
    c->client.serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    c->client.began_ms = clock_ms();
    size_t n = address_print(peer, false, text);
    memcpy(c->peer_text, text, n < sizeof c->peer_text ? n : sizeof c->peer_text);
    c->client.peer_text =
        (struct str){ c->peer_text, n < sizeof c->peer_text ? n : sizeof c->peer_text };
    timer_init(&c->timer, idle_timed_out);
    if (conn_open(&c->conn, fd, WATCH_WRITE) < 0) {
        free(c);
        return;
    }
    conn_set_nodelay(&c->conn, true);
    l->connections++;
    front_count_in(front_self());
    go_idle(c, header_timeout(c));
}

static void
release(struct h1_connection *c)
{
    struct front_thread *f = front_self();
    struct listener *l = c->listener;
    if (list_linked(&c->link))
        list_remove(&c->link);
    timer_fini(&c->timer);
    buffer_put(c->in);
    if (c->reset)
        conn_reset(&c->conn);
    conn_close(&c->conn);
    free(c);
    listener_release(l);
    front_count_out(f);
}

void
h1_connection_close(struct h1_connection *c)
{
    must(c->fiber == NULL);
    atomic_fetch_sub_explicit(&front_self()->waiting, 1, memory_order_relaxed);
    release(c);
}

static bool
has_unread(const struct h1_connection *c)
{
    char byte;
    return recv(c->conn.watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* How long the connection may still wait, in a process that is about to end. */
static uint64_t
drain_patience(const struct h1_connection *c)
{
    if (c->client.requests == 0)
        return FIRST_REQUEST_MS;
    uint64_t least = c->idle_min, waited = clock_ms() - (c->timer.deadline - c->idle_timeout);
    return least > waited ? least - waited : 0;
}

void
h1_connection_drain(struct h1_connection *c)
{
    uint64_t end = clock_in(drain_patience(c));
    if (end > clock_ms())
        timer_set(&c->timer, end < c->timer.deadline ? end : c->timer.deadline);
    else if (!has_unread(c))
        h1_connection_close(c);
}

/* lingering_close: the client may still be sending; a close now would reset the connection and take
 * our answer with it. */
static void
linger(struct h1_connection *c)
{
    uint64_t end = clock_in(c->lingering_time);
    struct buffer *drop = buffer_take(BUFFER_SIZE);
    ssize_t n = 1;
    if (conn_shutdown_write(&c->conn) < 0)
        n = 0;
    while (n > 0) {
        uint64_t deadline = clock_in(c->lingering_timeout);
        n = conn_read(&c->conn, drop->data, drop->cap, deadline < end ? deadline : end);
    }
    buffer_put(drop);
}

static void
end(struct h1_connection *c)
{
    if (c->lingering && !c->hijacked && !c->reset)
        linger(c);
    release(c);
}

/* The unread rest moves to the front of a buffer that the next head is read into. */
static void
keep_rest(struct h1_connection *c, struct h1_exchange *h)
{
    if (h->body_in && h->body_end > h->body_start) {
        buffer_put(c->in);
        c->in = h->body_in;
        c->start = h->body_start;
        c->end = h->body_end;
        h->body_in = NULL;
    }
    buffer_put(h->body_in);
    memmove(c->in->data, c->in->data + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
}

/* What the connection needs of the location's settings once the exchange, and with it perhaps the
 * snapshot, is gone. */
static void
remember(struct h1_connection *c, const struct exchange *x, bool body_ended)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    bool unread = !x->aborted && (!body_ended || x->early_failure);
    c->lingering |= unread || core->lingering_close == LINGERING_ALWAYS;
    c->lingering &= core->lingering_close != LINGERING_OFF;
    c->lingering_time = core->lingering_time.ms;
    c->lingering_timeout = core->lingering_timeout.ms;
    c->reset = x->timed_out && core->reset_timedout_connection;
    c->idle_timeout = core->keepalive_timeout.ms;
    c->idle_min = core->keepalive_min_timeout.ms;
}

/* One request. True when the connection goes on. */
static bool
serve_one(struct h1_connection *c, const struct listen_address *l, struct str head)
{
    struct exchange *x = exchange_open(&c->client, &h1_server_codec, NULL);
    struct h1_exchange *h = arena_new(&x->arena, struct h1_exchange);
    h->connection = c;
    h->x = x;
    x->connection = h;
    x->pipelined = c->pipelined;
    c->exchange = x;
    c->client.requests++;
    atomic_fetch_add_explicit(&front_self()->requests, 1, memory_order_relaxed);
    h1_start_exchange(x, h, l, head);
    exchange_run(x);
    bool go_on = x->keep_alive && !x->aborted && !c->hijacked && h1_finish_body(x, h) == 0;
    remember(c, x, h->body_ended);
    c->exchange = NULL;
    keep_rest(c, h);
    c->pipelined = c->end > 0;
    exchange_close(x);
    return go_on;
}

static void
serve(void *arg)
{
    struct h1_connection *c = arg;
    const struct listen_address *l;
    c->conn.watch.on_event = notice_hangup;
    c->in = buffer_take(BUFFER_SIZE);
    c->start = c->end = 0;
    while ((l = listener_listen(c->listener)) != NULL) {
        struct str head;
        int r = h1_read_head(c, l->fallback->settings, &head);
        if (r == 0)
            break;
        if (r == -EAGAIN) {
            go_idle(c, c->idle_timeout ? c->idle_timeout : header_timeout(c));
            if (front_self()->draining)
                h1_connection_drain(c);
            return;
        }
        c->head_error = r < 0 ? r : 0;
        l = listener_listen(c->listener); /* a reload may have come while the head did */
        if (l == NULL || !serve_one(c, l, head))
            break;
        c->head_error = 0;
    }
    end(c);
}
