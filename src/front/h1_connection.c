/* A connection that speaks HTTP/1: request after request, then rest or the end. */
#include "front/h1_connection.h"

#include "base/must.h"
#include "front/front_thread.h"

#include <errno.h>
#include <stdlib.h>

/* How many requests that are there already are answered before other connections have their turn;
 * how soon after a request a FIN belongs to it. */
enum { BURST_MAX = 16, HEELS_MS = 20 };

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
    struct h1_connection *c = ((struct connection *)w)->session;
    if (!(bits & (WATCH_HANGUP | WATCH_ERROR)) || c->exchange == NULL || is_half_close(c, bits))
        return;
    c->exchange->client_gone = true;
    if (c->exchange->cancel_on_gone)
        fiber_cancel(c->exchange->cancel_on_gone);
}

/* What is left of keepalive_min_timeout. */
static uint64_t
promised_ms(const struct h1_connection *c)
{
    uint64_t waited = clock_ms() - (c->base->timer.deadline - c->idle_timeout);
    return c->base->client.requests && c->idle_min > waited ? c->idle_min - waited : 0;
}

static bool
is_spared(const struct connection *base)
{
    const struct h1_connection *c = base->session;
    return promised_ms(c) > 0 || connection_is_newborn(base) || connection_has_unread(base);
}

/* While idle: it closes unless keepalive_min_timeout keeps it or a request has just come. A busy
 * one is told by its next response. */
static void
drain(struct connection *base)
{
    const struct h1_connection *c = base->session;
    if (!base->idle)
        return;
    uint64_t end = clock_in(base->client.requests ? promised_ms(c) : FIRST_REQUEST_MS);
    if (end > clock_ms())
        timer_set(&base->timer, end < base->timer.deadline ? end : base->timer.deadline);
    else if (!connection_has_unread(base))
        connection_release(base);
}

static void
kill_fiber(struct connection *base)
{
    fiber_cancel(base->fiber);
}

static void
fini(struct connection *base)
{
    struct h1_connection *c = base->session;
    buffer_put(c->in);
    free(c);
}

/* lingering_close: the client may still be sending; a close now would reset the connection and take
 * our answer with it. */
static void
linger(void *arg)
{
    struct h1_connection *c = arg;
    uint64_t end = clock_in(c->linger_ms);
    ssize_t n = conn_shutdown_write(&c->base->conn) < 0 ? 0 : 1;
    while (n > 0 && clock_ms() < end) {
        uint64_t deadline = clock_in(c->linger_each_ms);
        h1_release_input(c);
        n = conn_wait_readable(&c->base->conn, deadline < end ? deadline : end);
        if (n < 0)
            break;
        c->in = buffer_take(BUFFER_SIZE);
        n = conn_read(&c->base->conn, c->in->data, c->in->cap, deadline);
    }
    connection_release(c->base);
}

/* What is there already, or may still come, would make a close a reset. */
static bool
must_linger(const struct h1_connection *c)
{
    bool more = c->start < c->end ||
                (conn_maybe_readable(&c->base->conn) && connection_has_unread(c->base));
    return (c->lingering || more) && c->linger_ms > 0 && !c->hijacked && !c->base->reset &&
           !front_self()->killed;
}

/* A fiber that was cancelled cannot wait any more, so another one lingers. */
static void
end(struct h1_connection *c)
{
    if (!must_linger(c)) {
        connection_release(c->base);
        return;
    }
    c->start = c->end = 0;
    if (fiber_cancelled())
        c->base->fiber = fiber_spawn(linger, c);
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
    bool silent = x->response.status == 444 && !x->response.relayed;
    remember(c, core);
    c->lingering = !x->aborted && !x->timed_out &&
                   (unread || x->early_failure || core->lingering_close == LINGERING_ALWAYS);
    c->base->reset = core->reset_timedout_connection && (x->timed_out || silent);
    return go_on && body == 0;
}

/* One request. The head moves to the exchange's arena, so that the connection's buffer is free. */
static bool
serve_one(struct h1_connection *c, const struct listen_address *l, struct str head)
{
    struct exchange *x = exchange_open(&c->base->client, &h1_server_codec, NULL);
    struct h1_exchange *h = arena_new(&x->arena, struct h1_exchange);
    h->connection = c;
    h->x = x;
    h->promised = -1;
    h->read_end = NEVER;
    x->connection = h;
    x->pipelined = c->pipelined;
    c->exchange = x;
    c->heard_ms = clock_ms();
    c->base->client.requests++;
    c->blanks = 0;
    count_add(&front_self()->tally->requests, 1);
    count_add(&front_self()->tally->writing, 1);
    head = arena_dup(&x->arena, head);
    h1_release_input(c);
    x->client_gone = c->base->conn.watch.ready & WATCH_ERROR; /* it was reset before it was read */
    h1_start_exchange(x, h, l, head);
    exchange_run(x);
    bool go_on = settle(c, x, h);
    c->exchange = NULL;
    c->pipelined = c->end > c->start;
    exchange_close(x);
    count_subtract(&front_self()->tally->writing, 1);
    return go_on;
}

enum progress { GOES_ON, RESTS, ENDS };

static enum progress
serve_next(struct h1_connection *c)
{
    struct str head;
    const struct listen_address *l = listener_listen(c->base->listener);
    if (l == NULL)
        return ENDS;
    count_add(&front_self()->tally->reading, 1);
    int r = h1_read_head(c, l->fallback->settings, &head);
    count_subtract(&front_self()->tally->reading, 1);
    if (r == -EAGAIN)
        return RESTS;
    /* Reading may have waited for longer than a snapshot lives. */
    l = listener_listen(c->base->listener);
    if (r == 0 || l == NULL)
        return ENDS;
    if ((c->head_error = r < 0 ? r : 0) != 0)
        c->start = c->end; /* nothing after it can be trusted */
    return serve_one(c, l, head) ? GOES_ON : ENDS;
}

/* keepalive_timeout, or the first head's time. */
static uint64_t
idle_deadline(const struct h1_connection *c)
{
    const struct client *client = &c->base->client;
    if (client->requests)
        return clock_in(c->idle_timeout);
    const struct listen_address *l = listener_listen(c->base->listener);
    return l ? client->began_ms + l->fallback->settings->client_header_timeout.ms : clock_ms();
}

static void
rest(struct h1_connection *c)
{
    h1_release_input(c);
    connection_rest(c->base, idle_deadline(c));
}

static void
serve(struct connection *base)
{
    struct h1_connection *c = base->session;
    unsigned burst = 0;
    enum progress p;
    base->conn.watch.on_event = notice_hangup;
    while ((p = serve_next(c)) == GOES_ON)
        if (c->pipelined && ++burst % BURST_MAX == 0 && fiber_yield() < 0)
            break;
    if (p == RESTS)
        rest(c);
    else
        end(c);
}

static const struct protocol h1_protocol = {
    .name = "HTTP/1",
    .serve = serve,
    .close = connection_release,
    .drain = drain,
    .kill = kill_fiber,
    .is_spared = is_spared,
    .fini = fini,
};

void
h1_connection_begin(struct connection *base)
{
    struct h1_connection *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->base = base;
    c->nodelay = base->client.tls || base->client.peer.any.sa_family == AF_UNIX; /* has none */
    base->session = c;
    base->protocol = &h1_protocol;
    serve(base);
}
