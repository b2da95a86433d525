/* A stream's life. It is freed when both its owner and nghttp2 have done with it. */
#include "h2/link.h"

#include "base/must.h"
#include "h2/memory.h"

/* Room for the first bytes that wait, and for more behind them. */
enum { PIECE_SMALL = 1024, PIECE_LARGE = 16 * 1024 };

void
h2_wake(struct fiber **who)
{
    struct fiber *f = *who;
    *who = NULL;
    if (f)
        fiber_wake(f);
}

struct stream *
h2_stream_open(struct h2_link *l, int32_t id)
{
    struct stream *st = h2_memory_take(sizeof *st);
    st->pub.link = l;
    st->pub.id = id;
    st->file = -1;
    list_init(&st->heads);
    list_push_back(&l->streams, &st->at);
    l->n_streams++;
    return st;
}

static void
drop_pieces(struct stream *st)
{
    for (struct piece *p = st->in, *next; p; p = next) {
        next = p->next;
        h2_memory_put(p);
    }
    st->in = st->in_last = NULL;
}

void
h2_stream_free(struct stream *st)
{
    struct h2_link *l = st->pub.link;
    must(st->closed);
    if (l->block == st)
        l->block = NULL;
    drop_pieces(st);
    list_remove(&st->at);
    h2_memory_put(st);
}

/* Given up by the peer, or for what it sent: not by us, and not after all was said. */
static void
judge_end(struct h2_link *l, const struct stream *st)
{
    bool whole = st->out_ended && st->pub.end_of_body;
    if (!l->settings.server || l->dead)
        return;
    if (whole)
        h2_budget_earn_stream(&l->budget);
    else if (!(st->closed && st->out_last) && !h2_budget_reset(&l->budget))
        h2_link_calm(l, "client reset too many streams");
}

void
h2_stream_lose(struct stream *st, uint32_t code)
{
    struct h2_link *l = st->pub.link;
    st->pub.gone = true;
    st->pub.error = code;
    h2_wake(&st->reader);
    h2_wake(&st->writer);
    if (l->events->on_gone)
        l->events->on_gone(l, &st->pub);
}

void
h2_stream_end(struct stream *st, uint32_t code)
{
    struct h2_link *l = st->pub.link;
    bool whole = st->head_whole && st->out_ended && st->pub.end_of_body;
    bool news = !st->closed && !st->pub.gone && !whole;
    if (st->done)
        return;
    st->done = true;
    if (l->block == st)
        l->block = NULL;
    if (!st->pub.gone)
        judge_end(l, st);
    if (st->closed)
        h2_stream_free(st);
    else if (news)
        h2_stream_lose(st, code);
    if (!l->dead)
        l->events->on_change(l);
}

/* Small frames share a piece, so that memory follows bytes and not frames. */
static struct piece *
piece_for(struct stream *st, size_t n)
{
    struct piece *last = st->in_last;
    if (last && last->end < last->cap)
        return last;
    size_t cap = st->in || n > PIECE_SMALL ? PIECE_LARGE : PIECE_SMALL;
    struct piece *p = h2_memory_take_raw(sizeof *p + cap);
    *p = (struct piece){ .cap = cap };
    if (last)
        last->next = p;
    else
        st->in = p;
    st->in_last = p;
    return p;
}

void
h2_stream_take(struct stream *st, struct str bytes)
{
    while (bytes.n > 0) {
        struct piece *p = piece_for(st, bytes.n);
        size_t room = p->cap - p->end, n = bytes.n < room ? bytes.n : room;
        memcpy(p->data + p->end, bytes.p, n);
        p->end += n;
        bytes = str_skip(bytes, n);
    }
    h2_wake(&st->reader);
}

/* What was never read is given back to the windows, else they would shrink for ever. */
static void
consume_rest(struct stream *st)
{
    size_t rest = 0;
    for (const struct piece *p = st->in; p; p = p->next)
        rest += p->end - p->start;
    drop_pieces(st);
    st->given = 0;
    if (rest)
        (void)nghttp2_session_consume(st->pub.link->session, st->pub.id, rest);
}

static void
reset(struct stream *st, uint32_t code)
{
    (void)nghttp2_submit_rst_stream(st->pub.link->session, NGHTTP2_FLAG_NONE, st->pub.id, code);
}

void
h2_reset(struct h2_stream *s, uint32_t code)
{
    struct stream *st = stream_of(s);
    if (st->done || s->gone)
        return;
    s->gone = true;
    s->error = code;
    reset(st, code);
    h2_link_touch(s->link);
}

/* Whoever asked has all he wanted, or will have without us. */
static void
leave(struct stream *st)
{
    bool said = st->out_last && !st->broken && st->out_left == 0;
    if (st->pub.gone || (said && st->pub.end_of_body))
        return;
    if (!said || !st->pub.link->settings.server)
        reset(st, NGHTTP2_CANCEL);
    else if (st->out_ended)
        reset(st, NGHTTP2_NO_ERROR); /* else when END_STREAM has been made */
}

void
h2_stream_close(struct h2_stream *s)
{
    struct stream *st = stream_of(s);
    struct h2_link *l = s->link;
    must(!st->closed && st->reader == NULL && st->writer == NULL);
    st->closed = true;
    l->n_streams--;
    if (l->block == st)
        l->block = NULL;
    if (!l->dead)
        consume_rest(st);
    if (st->done) {
        h2_stream_free(st);
        return;
    }
    leave(st);
    h2_link_touch(l);
}
