/* The life of a client connection: open, idle, serving, closed. */
#include "front/h1_connection.h"

#include "base/must.h"
#include "front/front_thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* For the first request of a connection that a process about to end has accepted; how many requests
 * that are there already are answered before other connections have their turn; how soon after a
 * request a FIN belongs to it. */
enum { FIRST_REQUEST_MS = 1000, BURST_MAX = 16, HEELS_MS = 20 };

static _Atomic uint64_t serials;

static void serve(void *arg);

static void
set_link(struct h1_connection *c, struct list *where)
{
    if (list_linked(&c->link))
        list_remove(&c->link);
    list_push_back(where, &c->link);
}

/* Before the count of its requests changes. */
static void
leave_idle(struct front_thread *f, const struct h1_connection *c)
{
    f->n_kept -= c->client.requests > 0;
    count_subtract(&f->tally->waiting, 1);
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
    leave_idle(f, c);
    c->fiber = fiber_spawn(serve, c);
}

/* A FIN may be the end of what the client has to say, or of the client: TCP does not tell. One at
 * the heels of the request is taken for the first (a script with nc), a later one for the second (a
 * reader who lost patience). A reset leaves no doubt. */
static bool
is_half_close(const struct h1_connection *c, unsigned bits)
{
    return !(bits & WATCH_ERROR) && clock_ms() - c->heard_ms < HEELS_MS;
}

/* The client went away while nobody reads from it: whoever waits for somebody else is told. */
static void
notice_hangup(struct watch *w, unsigned bits)
{
    struct h1_connection *c = (struct h1_connection *)w;
    if (!(bits & (WATCH_HANGUP | WATCH_ERROR)) || c->exchange == NULL || is_half_close(c, bits))
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
go_idle(struct h1_connection *c, uint64_t deadline)
{
    struct front_thread *f = front_self();
    h1_release_input(c);
    c->fiber = NULL;
    c->conn.watch.on_event = wake_idle;
    set_link(c, &f->idle);
    f->n_kept += c->client.requests > 0;
    count_add(&f->tally->waiting, 1);
    timer_set(&c->timer, deadline);
    front_resume(f);
}

/* keepalive_timeout, or the first head's time. */
static uint64_t
idle_deadline(const struct h1_connection *c)
{
    if (c->client.requests)
        return clock_in(c->idle_timeout);
    const struct listen_address *l = listener_listen(c->listener);
    return l ? c->client.began_ms + l->fallback->settings->client_header_timeout.ms : clock_ms();
}

static void
describe(struct h1_connection *c, int fd, const struct address *peer)
{
    char text[ADDRESS_TEXT_MAX];
    size_t n = address_print(peer, false, text);
    if (n > sizeof c->peer_text)
        n = sizeof c->peer_text;
    memcpy(c->peer_text, text, n);
    c->client = (struct client){ .fd = fd, .peer = *peer, .local = c->listener->address };
    c->client.serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    c->client.began_ms = clock_ms();
    c->client.peer_text = (struct str){ c->peer_text, n };
}

void
h1_connection_open(struct listener *l, int fd, const struct address *peer)
{
    struct h1_connection *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->listener = l;
    describe(c, fd, peer);
    timer_init(&c->timer, idle_timed_out);
    int e = conn_open(&c->conn, fd, WATCH_WRITE);
    if (e < 0) {
        log_write_errno(error_log_global(), LEVEL_ALERT, 0, -e, "epoll_ctl() failed");
        free(c);
        return;
    }
    c->nodelay = peer->any.sa_family == AF_UNIX; /* has none */
    l->connections++;
    front_count_in(front_self());
    go_idle(c, idle_deadline(c));
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
    leave_idle(front_self(), c);
    release(c);
}

static bool
has_unread(const struct h1_connection *c)
{
    char byte;
    return recv(c->conn.watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* What is left of keepalive_min_timeout. */
static uint64_t
promised_ms(const struct h1_connection *c)
{
    uint64_t waited = clock_ms() - (c->timer.deadline - c->idle_timeout);
    return c->client.requests && c->idle_min > waited ? c->idle_min - waited : 0;
}

/* It has just connected; its request is on its way. */
static bool
is_newborn(const struct h1_connection *c)
{
    return c->client.requests == 0 && clock_ms() - c->client.began_ms < FIRST_REQUEST_MS;
}

bool
h1_connection_is_spared(const struct h1_connection *c)
{
    return promised_ms(c) > 0 || is_newborn(c) || has_unread(c);
}

void
h1_connection_drain(struct h1_connection *c)
{
    uint64_t end = clock_in(c->client.requests ? promised_ms(c) : FIRST_REQUEST_MS);
    if (end > clock_ms())
        timer_set(&c->timer, end < c->timer.deadline ? end : c->timer.deadline);
    else if (!has_unread(c))
        h1_connection_close(c);
}

/* lingering_close: the client may still be sending; a close now would reset the connection and take
 * our answer with it. */
static void
linger(void *arg)
{
    struct h1_connection *c = arg;
    uint64_t end = clock_in(c->linger_ms);
    ssize_t n = conn_shutdown_write(&c->conn) < 0 ? 0 : 1;
    while (n > 0 && clock_ms() < end) {
        uint64_t deadline = clock_in(c->linger_each_ms);
        h1_release_input(c);
        n = conn_wait_readable(&c->conn, deadline < end ? deadline : end);
        if (n < 0)
            break;
        c->in = buffer_take(BUFFER_SIZE);
        n = conn_read(&c->conn, c->in->data, c->in->cap, deadline);
    }
    release(c);
}

/* What is there already, or may still come, would make a close a reset. */
static bool
must_linger(const struct h1_connection *c)
{
    bool more = c->start < c->end || (c->conn.watch.ready & WATCH_READ && has_unread(c));
    return (c->lingering || more) && c->linger_ms > 0 && !c->hijacked && !c->reset &&
           !front_self()->killed;
}

/* A fiber that was cancelled cannot wait any more, so another one lingers. */
static void
end(struct h1_connection *c)
{
    if (!must_linger(c)) {
        release(c);
        return;
    }
    c->start = c->end = 0;
    if (fiber_cancelled())
        c->fiber = fiber_spawn(linger, c);
    else
        linger(c);
}

/* The location's settings may go with the exchange's snapshot. */
static void
remember(struct h1_connection *c, const struct core_settings *core)
{
    bool off = core->lingering_close == LINGERING_OFF;
    c->idle_timeout = core->keepalive_timeout.ms;
    c->idle_min = core->keepalive_min_timeout.ms;
    c->linger_ms = off ? 0 : (uint32_t)core->lingering_time.ms;
    c->linger_each_ms = (uint32_t)core->lingering_timeout.ms;
}

/* After the response: may the connection go on, and if not, how does it end? */
static bool
settle(struct h1_connection *c, struct exchange *x, struct h1_exchange *h)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    bool go_on = x->keep_alive && !x->aborted && !c->hijacked && !fiber_cancelled();
    int body = go_on ? h1_finish_body(x, h) : 0;
    bool unread = !h->body_ended && (body == 0 || body == -EPIPE);
    bool silent = x->response.status == 444;
    remember(c, core);
    c->lingering = !x->aborted && !x->timed_out &&
                   (unread || x->early_failure || core->lingering_close == LINGERING_ALWAYS);
    c->reset = core->reset_timedout_connection && (x->timed_out || silent);
    return go_on && body == 0;
}

/* One request. The head moves to the exchange's arena, so that the connection's buffer is free. */
static bool
serve_one(struct h1_connection *c, const struct listen_address *l, struct str head)
{
    struct exchange *x = exchange_open(&c->client, &h1_server_codec, NULL);
    struct h1_exchange *h = arena_new(&x->arena, struct h1_exchange);
    h->connection = c;
    h->x = x;
    h->promised = -1;
    h->read_end = NEVER;
    x->connection = h;
    x->pipelined = c->pipelined;
    c->exchange = x;
    c->heard_ms = clock_ms();
    c->client.requests++;
    c->blanks = 0;
    count_add(&front_self()->tally->requests, 1);
    head = arena_dup(&x->arena, head);
    h1_release_input(c);
    x->client_gone = c->conn.watch.ready & WATCH_ERROR; /* it was reset before it was read */
    h1_start_exchange(x, h, l, head);
    exchange_run(x);
    bool go_on = settle(c, x, h);
    c->exchange = NULL;
    c->pipelined = c->end > c->start;
    exchange_close(x);
    return go_on;
}

enum progress { GOES_ON, RESTS, ENDS };

static enum progress
serve_next(struct h1_connection *c)
{
    struct str head;
    const struct listen_address *l = listener_listen(c->listener);
    if (l == NULL)
        return ENDS;
    int r = h1_read_head(c, l->fallback->settings, &head);
    l = listener_listen(c->listener); /* reading may have waited for longer than a snapshot lives */
    if (r == -EAGAIN)
        return RESTS;
    if (r == 0 || l == NULL)
        return ENDS;
    if ((c->head_error = r < 0 ? r : 0) != 0)
        c->start = c->end; /* nothing after it can be trusted */
    return serve_one(c, l, head) ? GOES_ON : ENDS;
}

static void
rest(struct h1_connection *c)
{
    struct front_thread *f = front_self();
    go_idle(c, idle_deadline(c));
    if (f->killed || c->listener->closed)
        h1_connection_close(c);
    else if (f->draining)
        h1_connection_drain(c);
}

static void
serve(void *arg)
{
    struct h1_connection *c = arg;
    unsigned burst = 0;
    enum progress p;
    c->conn.watch.on_event = notice_hangup;
    while ((p = serve_next(c)) == GOES_ON)
        if (c->pipelined && ++burst % BURST_MAX == 0 && fiber_yield() < 0)
            break;
    if (p == RESTS)
        rest(c);
    else
        end(c);
}
