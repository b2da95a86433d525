/* A link's life: events of its conn, the end of a turn, deadlines, GOAWAY, death.
 *
 * A link dies in the loop's context only, at the end of a turn: whoever finds that it must
 * (h2_link_fail) may be a fiber of one of its streams, or a callback deep in nghttp2. */
#include "h2/link.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>

/* How long a peer may take to answer the PING behind the first GOAWAY. */
enum { GOAWAY_WAIT_MS = 1000 };

void
h2_link_touch(struct h2_link *l)
{
    if (!l->dead)
        loop_at_turn_end(&l->turn);
}

void
h2_link_fail(struct h2_link *l, int error, const char *why)
{
    if (l->error)
        return;
    l->error = error;
    if (l->why == NULL)
        l->why = why;
    h2_link_touch(l);
}

void
h2_link_calm(struct h2_link *l, const char *why)
{
    if (l->calmed)
        return;
    l->calmed = true;
    l->why = why;
    (void)nghttp2_session_terminate_session(l->session, NGHTTP2_ENHANCE_YOUR_CALM);
    h2_link_touch(l);
}

static void
die(struct h2_link *l)
{
    l->dead = true;
    timer_set(&l->timer, NEVER);
    buffer_put(l->out);
    l->out = NULL;
    for (struct list *i = l->streams.next, *next = i->next; i != &l->streams;
         i = next, next = i->next)
        h2_stream_end(container_of(i, struct stream, at), NGHTTP2_CANCEL);
    l->events->on_change(l);
}

static void
end_turn(struct turn_end *t)
{
    struct h2_link *l = container_of(t, struct h2_link, turn);
    if (l->read_again && l->error == 0)
        h2_input_read(l);
    if (l->error == 0)
        h2_output_push(l);
    if (l->error && !l->dead)
        die(l);
}

static void
on_conn_event(struct watch *w, unsigned bits)
{
    struct h2_link *l = ((struct conn *)w)->owner;
    if (l->dead)
        return;
    if (bits & (WATCH_READ | WATCH_HANGUP | WATCH_ERROR))
        h2_input_read(l);
    h2_link_touch(l);
}

static uint64_t
earliest(const struct h2_link *l)
{
    uint64_t at = l->send_deadline < l->head_deadline ? l->send_deadline : l->head_deadline;
    return at < l->goaway_deadline ? at : l->goaway_deadline;
}

void
h2_link_set_timer(struct h2_link *l)
{
    uint64_t at = earliest(l);
    if (at != l->timer.deadline)
        timer_set(&l->timer, at);
}

static void
submit_last_goaway(struct h2_link *l)
{
    l->goaway = GOAWAY_SAID;
    l->goaway_deadline = NEVER;
    (void)nghttp2_submit_goaway(l->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(l->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
    h2_link_touch(l);
}

static void
on_deadline(struct timer *t)
{
    struct h2_link *l = container_of(t, struct h2_link, timer);
    uint64_t now = clock_ms();
    if (l->send_deadline <= now) {
        h2_link_fail(l, -ETIMEDOUT, NULL);
        return;
    }
    if (l->head_deadline <= now) {
        h2_link_fail(l, -ETIMEDOUT, "while reading client request headers");
        return;
    }
    if (l->goaway_deadline <= now)
        submit_last_goaway(l);
    h2_link_set_timer(l);
}

struct h2_link *
h2_link_open(struct conn *c, const struct h2_settings *settings, const struct h2_events *events,
             void *owner, struct str ahead)
{
    struct h2_link *l = calloc(1, sizeof *l);
    must(l != NULL);
    l->conn = c;
    l->settings = *settings;
    l->events = events;
    l->owner = owner;
    l->turn.run = end_turn;
    l->send_deadline = l->head_deadline = l->goaway_deadline = NEVER;
    list_init(&l->streams);
    timer_init(&l->timer, on_deadline);
    h2_budget_init(&l->budget);
    must(h2_session_open(l) == 0);
    c->owner = l;
    c->watch.on_event = on_conn_event;
    h2_link_touch(l);
    h2_input_take(l, ahead);
    l->read_again = true; /* what has come meanwhile was told to somebody else */
    return l;
}

void *
h2_link_owner(const struct h2_link *l)
{
    return l->owner;
}

void
h2_link_close(struct h2_link *l)
{
    must(l->n_streams == 0);
    if (l->error == 0) {
        if (l->goaway != GOAWAY_SAID)
            submit_last_goaway(l);
        h2_output_push(l);
    }
    l->conn->watch.on_event = NULL;
    l->conn->owner = NULL;
    if (list_linked(&l->turn.link))
        list_remove(&l->turn.link);
    timer_fini(&l->timer);
    buffer_put(l->out);
    nghttp2_session_del(l->session);
    while (!list_empty(&l->streams))
        h2_stream_free(container_of(l->streams.next, struct stream, at));
    free(l);
}

int
h2_link_error(const struct h2_link *l, const char **why)
{
    if (why)
        *why = l->why;
    return l->error;
}

void
h2_link_goaway(struct h2_link *l, uint32_t code)
{
    if (l->error)
        return;
    if (code != NGHTTP2_NO_ERROR) {
        (void)nghttp2_session_terminate_session(l->session, code);
        h2_link_touch(l);
    } else if (l->goaway == GOAWAY_NONE && l->settings.server) {
        l->goaway = GOAWAY_WARNED;
        (void)nghttp2_submit_shutdown_notice(l->session);
        (void)nghttp2_submit_ping(l->session, NGHTTP2_FLAG_NONE, (const uint8_t *)"goodbye");
        l->goaway_deadline = clock_in(GOAWAY_WAIT_MS);
        h2_link_set_timer(l);
        h2_link_touch(l);
    } else if (l->goaway == GOAWAY_NONE) {
        submit_last_goaway(l);
    }
}

void
h2_link_heard_ping(struct h2_link *l)
{
    if (l->goaway == GOAWAY_WARNED)
        submit_last_goaway(l);
}

unsigned
h2_link_streams(const struct h2_link *l)
{
    return l->n_streams;
}

unsigned
h2_link_room(const struct h2_link *l)
{
    if (l->error || l->calmed || !nghttp2_session_check_request_allowed(l->session))
        return 0;
    uint32_t most =
        nghttp2_session_get_remote_settings(l->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (l->settings.max_streams && l->settings.max_streams < most)
        most = l->settings.max_streams;
    return most > l->n_streams ? most - l->n_streams : 0;
}
