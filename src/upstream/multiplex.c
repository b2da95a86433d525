/* Who joins which HTTP/2 connection, and when another one is opened. */
#include "upstream/multiplex.h"

#include "h2/h2.h"
#include "upstream/connect.h"
#include "upstream/pool.h"

#include <errno.h>

/* As many exchanges share a connection, whatever more its peer would bear. What a backend may have
 * on its way to clients that read and to those that do not; all of the latter do not fill the
 * connection's window, so that nobody waits for them. */
enum {
    STREAMS_MAX = 128,
    STREAM_WINDOW = 64 * 1024,
    READING_WINDOW = 512 * 1024,
    CONNECTION_WINDOW = STREAMS_MAX * STREAM_WINDOW + 4 * READING_WINDOW,
};

/* A socket that takes nothing, a field block that does not end: the connection is dead. */
enum { PATIENCE_MS = 60 * 1000 };

/* Field blocks: each exchange has its own, lower limit. */
enum { HEAD_MOST = 512 * 1024, FIELDS_MOST = 4096 };

/* One connection being opened, on its opener's stack. */
struct opening {
    struct list at;
    const struct connect_options *options;
};

void
multiplex_init(struct multiplex *m)
{
    list_init(&m->links);
    list_init(&m->opening);
    fiber_condition_init(&m->changed);
}

static bool
has_room(const struct upstream_conn *c, const struct keepalive *k)
{
    if (c->retired || upstream_conn_is_worn_out(c, k))
        return false;
    return c->settled || c->users == 0 ? h2_link_room(c->h2) > 0 : false;
}

static struct upstream_conn *
find_link(struct lane *l, const struct connect_options *o, const struct keepalive *k,
          uint64_t after)
{
    struct multiplex *m = lane_multiplex(l);
    for (struct list *i = m->links.next; i != &m->links; i = i->next) {
        struct upstream_conn *c = container_of(i, struct upstream_conn, link);
        if (c->serial > after && has_room(c, k) && upstream_conn_fits(c, o))
            return c;
    }
    return NULL;
}

/* Is one under way that may soon bear us? */
static bool
is_expected(struct multiplex *m, const struct connect_options *o)
{
    for (struct list *i = m->opening.next; i != &m->opening; i = i->next) {
        const struct opening *w = container_of(i, struct opening, at);
        if (str_eq(w->options->identity, o->identity) && w->options->bind == NULL &&
            o->bind == NULL)
            return true;
    }
    for (struct list *i = m->links.next; i != &m->links; i = i->next) {
        const struct upstream_conn *c = container_of(i, struct upstream_conn, link);
        if (!c->settled && !c->retired && h2_link_error(c->h2, NULL) == 0 &&
            upstream_conn_fits(c, o))
            return true;
    }
    return false;
}

/* --- Opening --- */

/* Streams ended, the peer said what it bears, or the end came. Idle ones that are of no more use
 * go, though not within the call. */
static void
on_change(struct h2_link *link)
{
    struct upstream_conn *c = h2_link_owner(link);
    c->settled = true;
    if (c->users == 0 && list_linked(&c->age) && h2_link_room(link) == 0)
        timer_set(&c->timer, clock_ms());
    fiber_condition_broadcast(&lane_multiplex(c->lane)->changed);
}

static void
open_link(struct upstream_conn *c)
{
    static const struct h2_events events = { .on_change = on_change };
    const struct h2_settings settings = { .max_streams = STREAMS_MAX,
                                          .stream_window = STREAM_WINDOW,
                                          .reading_window = READING_WINDOW,
                                          .connection_window = CONNECTION_WINDOW,
                                          .max_head = HEAD_MOST,
                                          .max_field = HEAD_MOST,
                                          .max_fields = FIELDS_MOST,
                                          .send_timeout_ms = PATIENCE_MS,
                                          .head_timeout_ms = PATIENCE_MS };
    c->h2 = h2_link_open(&c->conn, &settings, &events, c, STR_NONE);
}

static int
open_shared(struct lane *l, const struct address *to, const struct connect_options *o,
            struct upstream_conn **out)
{
    struct multiplex *m = lane_multiplex(l);
    struct opening opening = { .options = o };
    int e = 0;
    list_push_back(&m->opening, &opening.at);
    *out = connect_open(l, to, o, &e);
    list_remove(&opening.at);
    if (*out)
        open_link(*out);
    fiber_condition_broadcast(&m->changed);
    return e;
}

/* --- Joining and leaving --- */

static int
join(struct lane *l, struct upstream_conn *c)
{
    struct multiplex *m = lane_multiplex(l);
    if (c->users++ == 0)
        list_push_back(&m->links, &c->link);
    return 0;
}

int
multiplex_join(struct lane *l, const struct address *to, const struct connect_options *o,
               const struct keepalive *k, uint64_t after, struct upstream_conn **out)
{
    struct multiplex *m = lane_multiplex(l);
    uint64_t deadline = clock_in(o->timeout_ms);
    for (;;) {
        *out = find_link(l, o, k, after);
        if (*out)
            (*out)->reused = true;
        if (*out == NULL && !o->fresh)
            *out = lane_take(l, o);
        if (*out)
            return join(l, *out);
        bool wait = is_expected(m, o);
        int e = wait ? fiber_condition_wait(&m->changed, deadline) : open_shared(l, to, o, out);
        if (e < 0)
            return e;
        if (!wait)
            return join(l, *out);
    }
}

void
multiplex_leave(struct upstream_conn *c, const struct keepalive *k)
{
    if (--c->users > 0)
        return;
    list_remove(&c->link);
    fiber_condition_broadcast(&lane_multiplex(c->lane)->changed);
    if (c->retired)
        upstream_conn_close(c);
    else
        lane_put(c->lane, c, k);
}
