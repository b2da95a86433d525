/* The life of an HTTP/2 connection: streams come and go, rest, GOAWAY, the end. */
#include "front/h2_connection.h"

#include "base/must.h"
#include "front/front_thread.h"
#include "net/buffer.h"

#include <errno.h>
#include <stdlib.h>

static const struct str preface = { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24 };

/* How much of one connection's request bodies may lie in memory, in http2_recv_buffer_size. */
enum { WINDOW_FACTOR = 4 };

bool
h2_is_preface(struct connection *base, uint64_t deadline)
{
    char text[24];
    for (;;) {
        ssize_t n = recv(base->conn.watch.fd, text, sizeof text, MSG_PEEK | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
            (n > 0 && memcmp(text, preface.p, (size_t)n) != 0))
            return false;
        if (n == (ssize_t)preface.n)
            return true;
        base->conn.watch.ready &= ~(unsigned)WATCH_READ;
        if (base->conn.watch.ready & (WATCH_HANGUP | WATCH_ERROR) ||
            conn_wait_readable(&base->conn, deadline) < 0)
            return n > 0;
    }
}

/* --- Its end --- */

/* What is still coming would make the close a reset, which may overtake the last GOAWAY. */
static void
linger(void *arg)
{
    struct h2_connection *c = arg;
    uint64_t end = clock_in(c->linger_ms);
    ssize_t n = conn_shutdown_write(&c->base->conn) < 0 ? 0 : 1;
    while (n > 0 && clock_ms() < end) {
        uint64_t deadline = clock_in(c->linger_each_ms);
        n = conn_wait_readable(&c->base->conn, deadline < end ? deadline : end);
        if (n < 0)
            break;
        struct buffer *b = buffer_take(BUFFER_SIZE);
        n = conn_read(&c->base->conn, b->data, b->cap, deadline);
        buffer_put(b);
    }
    connection_release(c->base);
}

static void
log_end(const struct h2_connection *c, const char *why)
{
    const struct listen_address *l = listener_listen(c->base->listener);
    const struct error_log *log = l ? l->fallback->root->error_log : error_log_global();
    if (why && log_wants(log, LEVEL_INFO))
        log_write(log, LEVEL_INFO, c->base->client.serial,
                  "%s while processing HTTP/2 connection, client: " STR_FMT ", server: " STR_FMT,
                  why, STR_ARG(c->base->client.peer_text), STR_ARG(c->base->listener->text));
}

/* The link is dead and nothing runs on it any more. */
static void
end(struct h2_connection *c)
{
    bool ours = h2_link_error(c->link, NULL) == -EPROTO;
    if (!ours || front_self()->killed) {
        connection_release(c->base);
        return;
    }
    h2_link_close(c->link);
    c->link = NULL;
    connection_set_busy(c->base);
    c->base->fiber = fiber_spawn(linger, c);
}

/* --- Rest --- */

static void
rest(struct h2_connection *c)
{
    struct front_thread *f = front_self();
    connection_set_idle(c->base, c->dead ? clock_ms() : clock_in(c->idle_timeout));
    if (c->dead || f->killed)
        timer_set(&c->base->timer, clock_ms());
    else if (f->draining || c->base->listener->closed)
        h2_link_goaway(c->link, H2_NO_ERROR);
}

static void
close_idle(struct connection *base)
{
    struct h2_connection *c = base->session;
    if (c->dead)
        end(c);
    else
        connection_release(base);
}

/* --- Exchanges --- */

static const struct core_settings *
core_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core;
}

/* The location's settings may go with the exchange's snapshot. */
static void
remember(struct h2_connection *c, const struct core_settings *core)
{
    bool off = core->lingering_close == LINGERING_OFF;
    c->idle_timeout = core->keepalive_timeout.ms;
    c->idle_min = core->keepalive_min_timeout.ms;
    c->linger_ms = off ? 0 : (uint32_t)core->lingering_time.ms;
    c->linger_each_ms = (uint32_t)core->lingering_timeout.ms;
}

static bool
is_last(const struct h2_connection *c, const struct core_settings *core)
{
    const struct client *client = &c->base->client;
    return client->requests >= core->keepalive_requests || core->keepalive_timeout.ms == 0 ||
           clock_ms() - client->began_ms >= core->keepalive_time.ms || c->base->listener->closed ||
           front_self()->draining;
}

static void
close_exchange(struct h2_exchange *h)
{
    struct h2_connection *c = h->connection;
    struct h2_stream *stream = h->stream;
    list_remove(&h->at);
    exchange_close(h->x);
    h2_stream_close(stream);
    if (--c->n == 0)
        rest(c);
}

/* The request's own end. Nothing half said may look whole. */
static void
settle(struct h2_exchange *h)
{
    struct h2_connection *c = h->connection;
    const struct core_settings *core = core_of(h->x);
    remember(c, core);
    if (h->x->aborted || !h->ended)
        h2_reset(h->stream, h->x->client_gone ? H2_CANCEL : H2_INTERNAL_ERROR);
    if (!c->dead && is_last(c, core))
        h2_link_goaway(c->link, H2_NO_ERROR);
}

static void
serve_stream(void *arg)
{
    struct h2_exchange *h = arg;
    struct h2_connection *c = h->connection;
    const struct listen_address *l = listener_listen(c->base->listener);
    if (l && !h->stream->gone) {
        h2_start_exchange(h->x, h, l);
        exchange_run(h->x);
        settle(h);
    }
    count_subtract(&front_self()->tally->writing, 1);
    close_exchange(h);
}

static void
serve(struct h2_exchange *h)
{
    h->connection->base->client.requests++;
    count_add(&front_self()->tally->requests, 1);
    count_add(&front_self()->tally->writing, 1);
    h->fiber = fiber_spawn(serve_stream, h);
}

/* --- What the link tells --- */

static struct arena *
on_open(struct h2_link *l, struct h2_stream *s)
{
    struct h2_connection *c = h2_link_owner(l);
    if (listener_listen(c->base->listener) == NULL || front_self()->killed)
        return NULL;
    struct exchange *x = exchange_open(&c->base->client, &h2_server_codec, NULL);
    struct h2_exchange *h = arena_new(&x->arena, struct h2_exchange);
    *h = (struct h2_exchange){ .connection = c, .x = x, .stream = s, .promised = -1 };
    x->connection = h;
    s->owner = h;
    list_push_back(&c->exchanges, &h->at);
    if (c->n++ == 0)
        connection_set_busy(c->base);
    return &x->arena;
}

static void
on_request(struct h2_link *l, struct h2_stream *s)
{
    struct h2_exchange *h = s->owner;
    h->bodiless = s->end_of_body;
    serve(h);
}

static void
on_refused(struct h2_link *l, struct h2_stream *s, unsigned status)
{
    struct h2_exchange *h = s->owner;
    h->refused = status;
    serve(h);
}

static void
on_gone(struct h2_link *l, struct h2_stream *s)
{
    struct h2_exchange *h = s->owner;
    if (h->fiber == NULL) {
        log_end(h->connection, s->why);
        close_exchange(h);
        return;
    }
    h->x->client_gone = true;
    if (h->x->cancel_on_gone)
        fiber_cancel(h->x->cancel_on_gone);
}

static void
on_change(struct h2_link *l)
{
    struct h2_connection *c = h2_link_owner(l);
    const char *why;
    int error = h2_link_error(l, &why);
    if (error == 0 || c->dead)
        return;
    c->dead = true;
    log_end(c, error == -ETIMEDOUT && why == NULL ? "client timed out" : why);
    if (c->n == 0)
        rest(c);
}

static const struct h2_events events = { on_open, on_request, on_refused, on_gone, on_change };

/* --- What the front room asks --- */

static void
drain(struct connection *base)
{
    struct h2_connection *c = base->session;
    if (!c->dead)
        h2_link_goaway(c->link, H2_NO_ERROR);
}

static void
kill_all(struct connection *base)
{
    struct h2_connection *c = base->session;
    if (base->fiber)
        fiber_cancel(base->fiber);
    for (struct list *i = c->exchanges.next, *next = i->next; i != &c->exchanges;
         i = next, next = i->next) {
        struct h2_exchange *h = container_of(i, struct h2_exchange, at);
        if (h->fiber)
            fiber_cancel(h->fiber);
        else
            close_exchange(h);
    }
}

static uint64_t
promised_ms(const struct h2_connection *c)
{
    uint64_t waited = clock_ms() - (c->base->timer.deadline - c->idle_timeout);
    return c->base->client.requests && c->idle_min > waited ? c->idle_min - waited : 0;
}

static bool
is_spared(const struct connection *base)
{
    const struct h2_connection *c = base->session;
    return !c->dead &&
           (promised_ms(c) > 0 || connection_is_newborn(base) || connection_has_unread(base));
}

static void
fini(struct connection *base)
{
    struct h2_connection *c = base->session;
    if (c->link)
        h2_link_close(c->link);
    free(c);
}

static const struct protocol h2_protocol = {
    .name = "HTTP/2",
    .close = close_idle,
    .drain = drain,
    .kill = kill_all,
    .is_spared = is_spared,
    .fini = fini,
};

/* --- Its beginning --- */

static struct h2_settings
settings_of(const struct listen_address *l)
{
    const struct server_settings *s = l->fallback->settings;
    const struct http2_settings *my = l->fallback->root->http2;
    uint64_t window = (uint64_t)my->recv_buffer_size.n * WINDOW_FACTOR;
    uint32_t most = window < INT32_MAX ? (uint32_t)window : INT32_MAX;
    uint32_t stream = my->body_preread_size.n < most ? (uint32_t)my->body_preread_size.n : most;
    return (struct h2_settings){
        .server = true,
        .max_streams = my->max_concurrent_streams,
        .stream_window = stream,
        .reading_window = most / 2,
        .connection_window = most,
        .max_head = s->large.n * s->large.size.n,
        .max_field = s->large.size.n,
        .max_fields = s->max_headers,
        .chunk = my->chunk_size.n,
        .connect_protocol = true,
        .send_timeout_ms = l->fallback->core->send_timeout.ms,
        .head_timeout_ms = s->client_header_timeout.ms,
    };
}

void
h2_connection_begin(struct connection *base, const struct listen_address *l)
{
    const struct h2_settings settings = settings_of(l);
    struct h2_connection *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->base = base;
    list_init(&c->exchanges);
    base->session = c;
    base->protocol = &h2_protocol;
    base->fiber = NULL;
    remember(c, l->fallback->core);
    if (base->client.peer.any.sa_family != AF_UNIX)
        conn_set_nodelay(&base->conn, true);
    c->link = h2_link_open(&base->conn, &settings, &events, c, STR_NONE);
    rest(c);
    if (!c->dead && base->idle)
        timer_set(&base->timer, base->client.began_ms + settings.head_timeout_ms);
}
