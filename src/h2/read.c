/* What a stream's reader calls: heads of responses, pieces of bodies. */
#include "h2/link.h"

#include "h2/memory.h"

#include <errno.h>

static int
wait(struct stream *st, uint64_t deadline)
{
    st->reader = fiber_self();
    int r = fiber_park(deadline);
    st->reader = NULL;
    return r;
}

/* Why nothing more can come. */
static int
end_of(const struct stream *st)
{
    const struct h2_link *l = st->pub.link;
    if (st->pub.error == NGHTTP2_REFUSED_STREAM)
        return -ESTALE;
    if (st->refused)
        return -EMSGSIZE;
    if (st->pub.why)
        return -EPROTO;
    return l->dead && l->error != -EPIPE ? l->error : -ECONNRESET;
}

int
h2_read_head(struct h2_stream *s, uint64_t deadline)
{
    struct stream *st = stream_of(s);
    for (;;) {
        struct list *first = list_pop_front(&st->heads);
        if (first) {
            s->head = container_of(first, struct waiting_head, link)->head;
            return 0;
        }
        if (s->gone)
            return end_of(st);
        int r = wait(st, deadline);
        if (r < 0)
            return r;
    }
}

/* Somebody reads: a window of a round trip's bytes lets the peer go on meanwhile. */
static void
widen(struct stream *st, size_t n)
{
    const struct h2_settings *my = &st->pub.link->settings;
    st->consumed += n;
    if (st->wide || st->pub.end_of_body || my->reading_window <= my->stream_window ||
        st->consumed < my->stream_window / 2)
        return;
    st->wide = true;
    (void)nghttp2_session_set_local_window_size(st->pub.link->session, NGHTTP2_FLAG_NONE,
                                                st->pub.id, (int32_t)my->reading_window);
}

/* The last piece given was used: its bytes may be sent anew. */
static void
consume_given(struct stream *st)
{
    struct piece *p = st->in;
    size_t n = st->given;
    if (n == 0)
        return;
    st->given = 0;
    p->start += n;
    if (p->start == p->end) {
        st->in = p->next;
        st->in_last = p->next ? st->in_last : NULL;
        h2_memory_put(p);
    }
    if (st->pub.link->dead)
        return;
    (void)nghttp2_session_consume(st->pub.link->session, st->pub.id, n);
    widen(st, n);
    h2_link_touch(st->pub.link);
}

int
h2_read(struct h2_stream *s, struct str *out, uint64_t deadline)
{
    struct stream *st = stream_of(s);
    consume_given(st);
    for (;;) {
        const struct piece *p = st->in;
        if (p) {
            *out = str_between(p->data + p->start, p->data + p->end);
            st->given = out->n;
            s->last_piece = s->end_of_body && p->next == NULL;
            return 1;
        }
        if (s->end_of_body)
            return 0;
        if (s->gone)
            return end_of(st);
        int r = wait(st, deadline);
        if (r < 0)
            return r;
    }
}

bool
h2_has_ended(const struct h2_stream *s)
{
    const struct stream *st = (const struct stream *)s;
    return s->end_of_body && st->in == NULL;
}

bool
h2_is_readable(const struct h2_stream *s)
{
    const struct stream *st = (const struct stream *)s;
    const struct piece *p = st->in;
    bool more = p && (p->start + st->given < p->end || p->next);
    return more || s->end_of_body || s->gone;
}
