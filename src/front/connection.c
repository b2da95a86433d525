/* The life that all client connections share: open, idle, busy, closed; and how one that is new
 * finds its protocol. */
#include "front/connection.h"

#include "base/must.h"
#include "exchange/snapshot.h"
#include "front/front_thread.h"
#include "front/h1_connection.h"
#include "front/h2_connection.h"
#include "front/handshake.h"
#include "front/proxied.h"
#include "tls/session.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic uint64_t serials;

static void
set_link(struct connection *c, struct list *where)
{
    if (list_linked(&c->link))
        list_remove(&c->link);
    list_push_back(where, &c->link);
}

static void
leave_idle(struct connection *c)
{
    struct front_thread *f = front_self();
    if (!c->idle)
        return;
    c->idle = false;
    f->n_kept -= c->kept;
    count_subtract(&f->tally->waiting, 1);
}

void
connection_set_busy(struct connection *c)
{
    timer_set(&c->timer, NEVER);
    set_link(c, &front_self()->busy);
    leave_idle(c);
}

static void
serve(void *arg)
{
    struct connection *c = arg;
    c->protocol->serve(c);
}

/* Something came on an idle connection: a fiber takes over. */
static void
wake_idle(struct watch *w, unsigned bits)
{
    struct connection *c = (struct connection *)w;
    if (c->fiber || !(bits & (WATCH_READ | WATCH_HANGUP | WATCH_ERROR)))
        return;
    connection_set_busy(c);
    c->fiber = fiber_spawn(serve, c);
}

static void
timed_out(struct timer *t)
{
    struct connection *c = container_of(t, struct connection, timer);
    c->protocol->close(c);
}

void
connection_set_idle(struct connection *c, uint64_t deadline)
{
    struct front_thread *f = front_self();
    leave_idle(c);
    c->idle = true;
    c->kept = c->client.requests > 0;
    set_link(c, &f->idle);
    f->n_kept += c->kept;
    count_add(&f->tally->waiting, 1);
    timer_set(&c->timer, deadline);
    front_resume(f);
}

void
connection_rest(struct connection *c, uint64_t deadline)
{
    struct front_thread *f = front_self();
    c->fiber = NULL;
    c->conn.watch.on_event = wake_idle;
    connection_set_idle(c, deadline);
    if (f->killed || c->listener->closed)
        c->protocol->close(c);
    else if (f->draining)
        c->protocol->drain(c);
}

void
connection_release(struct connection *c)
{
    struct front_thread *f = front_self();
    struct listener *l = c->listener;
    leave_idle(c);
    if (list_linked(&c->link))
        list_remove(&c->link);
    timer_fini(&c->timer);
    if (c->protocol->fini)
        c->protocol->fini(c);
    if (c->reset)
        conn_reset(&c->conn);
    conn_close(&c->conn);
    free((void *)c->client.proxied);
    free(c);
    listener_release(l);
    front_count_out(f);
}

bool
connection_has_unread(const struct connection *c)
{
    char byte;
    if (c->conn.transport && c->conn.transport->pending(&c->conn))
        return true;
    return recv(c->conn.watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

bool
connection_is_newborn(const struct connection *c)
{
    return c->client.requests == 0 && clock_ms() - c->client.began_ms < FIRST_REQUEST_MS;
}

/* --- Before it has said a word --- */

/* The first head's time. */
static uint64_t
first_deadline(const struct connection *c)
{
    const struct listen_address *l = listener_listen(c->listener);
    return l ? c->client.began_ms + l->fallback->settings->client_header_timeout.ms : clock_ms();
}

static bool
speaks_h2(struct connection *c, const struct listen_address *l)
{
    if (c->client.tls)
        return str_eq(tls_alpn(&c->conn), STR("h2"));
    return !l->tls && (l->http2 || l->fallback->settings->http2) &&
           h2_is_preface(c, first_deadline(c));
}

/* Which protocol the client speaks shows in its first bytes; until then it only waits. */
static void
greet(struct connection *c)
{
    const struct listen_address *l = listener_listen(c->listener);
    if (l && l->proxy_protocol && !connection_take_proxied(c, first_deadline(c)))
        return;
    l = listener_listen(c->listener);
    if (l && l->tls && !connection_shake_hands(c, l))
        return;
    bool h2 = l && speaks_h2(c, l);
    timer_set(&c->timer, NEVER);
    l = listener_listen(c->listener); /* all this may have taken longer than a snapshot lives */
    if (l == NULL)                    /* its address is not served any more */
        connection_release(c);
    else if (h2)
        h2_connection_begin(c, l);
    else
        h1_connection_begin(c);
}

/* It was accepted in good faith, and gets a moment for its handshake and its request. */
static void
give_a_moment(struct connection *c)
{
    uint64_t end = clock_in(FIRST_REQUEST_MS);
    timer_set(&c->timer, end < c->timer.deadline ? end : c->timer.deadline);
}

static void
cancel(struct connection *c)
{
    fiber_cancel(c->fiber);
}

static void
end_or_cancel(struct connection *c)
{
    if (c->idle)
        connection_release(c);
    else
        cancel(c);
}

static bool
is_spared(const struct connection *c)
{
    return connection_is_newborn(c) || connection_has_unread(c);
}

static const struct protocol unknown = {
    .name = "unknown",
    .serve = greet,
    .close = end_or_cancel,
    .drain = give_a_moment,
    .kill = cancel,
    .is_spared = is_spared,
};

static void
describe(struct connection *c, int fd, const struct address *peer)
{
    char text[ADDRESS_TEXT_MAX];
    size_t n = address_print(peer, false, text);
    if (n > sizeof c->peer_text)
        n = sizeof c->peer_text;
    memcpy(c->peer_text, text, n);
    c->client = (struct client){ .fd = fd, .peer = *peer, .local = c->listener->address };
    c->client.conn = &c->conn;
    c->client.serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    c->client.began_ms = clock_ms();
    c->client.peer_text = (struct str){ c->peer_text, n };
}

void
connection_open(struct listener *l, int fd, const struct address *peer)
{
    struct connection *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->listener = l;
    c->protocol = &unknown;
    describe(c, fd, peer);
    timer_init(&c->timer, timed_out);
    int e = conn_open(&c->conn, fd, WATCH_WRITE);
    if (e < 0) {
        log_write_errno(error_log_global(), LEVEL_ALERT, 0, -e, "epoll_ctl() failed");
        free(c);
        return;
    }
    l->connections++;
    front_count_in(front_self());
    connection_rest(c, first_deadline(c));
}
