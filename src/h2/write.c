/* What a stream's writer calls: heads, pieces of bodies, the end. */
#include "h2/link.h"

#include "base/must.h"

#include <errno.h>

static bool
is_over(const struct stream *st)
{
    return st->pub.gone || st->done || st->pub.link->error;
}

/* --- Heads --- */

static int
submit_response(struct stream *st, const struct h2_nv *nv, unsigned status, bool last)
{
    nghttp2_session *session = st->pub.link->session;
    if (status < 200)
        return nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, st->pub.id, NULL, nv->v, nv->n,
                                      NULL);
    nghttp2_data_provider from = h2_output_of(st);
    st->out_last = last;
    return nghttp2_submit_response(session, st->pub.id, nv->v, nv->n, last ? NULL : &from);
}

int
h2_write_head(struct h2_stream *s, const struct h2_head *head, bool last)
{
    struct stream *st = stream_of(s);
    struct h2_nv nv;
    if (is_over(st))
        return -ECONNRESET;
    h2_fields_make(&nv, head, false);
    int r = submit_response(st, &nv, head->status, last);
    h2_fields_release(&nv);
    h2_link_touch(s->link);
    if (last)
        h2_output_fill(s->link);
    return r == 0 ? 0 : -ECONNRESET;
}

struct h2_stream *
h2_request(struct h2_link *l, const struct h2_head *head, bool last, struct arena *arena,
           void *owner)
{
    struct h2_nv nv;
    if (h2_link_room(l) == 0)
        return NULL;
    struct stream *st = h2_stream_open(l, 0);
    nghttp2_data_provider from = h2_output_of(st);
    st->arena = arena;
    st->pub.owner = owner;
    st->out_last = last;
    h2_fields_make(&nv, head, true);
    st->pub.id = nghttp2_submit_request(l->session, NULL, nv.v, nv.n, last ? NULL : &from, st);
    h2_fields_release(&nv);
    h2_link_touch(l);
    if (st->pub.id > 0)
        return &st->pub;
    st->done = true;
    h2_stream_close(&st->pub);
    return NULL;
}

/* --- Bodies --- */

/* Nothing of what was asked for is in anybody's hands but the link's. */
static bool
is_taken(const struct stream *st)
{
    return st->out_left == 0 && st->out_trailers == NULL;
}

/* Frames are made at once when there is room, else by the link as the socket takes them. */
static void
make(struct stream *st)
{
    struct h2_link *l = st->pub.link;
    if (st->deferred) {
        st->deferred = false;
        (void)nghttp2_session_resume_data(l->session, st->pub.id);
    }
    h2_link_touch(l);
    h2_output_fill(l);
    if (!is_taken(st) && h2_output_is_full(l))
        h2_output_push(l);
}

static int
wait(struct stream *st, uint64_t timeout_ms)
{
    size_t left = st->out_left;
    st->writer = fiber_self();
    int r = fiber_park(clock_in(timeout_ms));
    st->writer = NULL;
    return r == -ETIMEDOUT && st->out_left < left ? 0 : r;
}

/* What was offered is not there any more after an error. */
static int
forget(struct stream *st, int error)
{
    st->broken = true;
    st->out = NULL;
    st->out_trailers = NULL;
    st->out_left = 0;
    return st->short_file ? -EIO : error;
}

static int
await_taken(struct stream *st, uint64_t timeout_ms)
{
    int r = 0;
    make(st);
    while (!is_taken(st) && !st->broken && !is_over(st) && r == 0)
        r = wait(st, timeout_ms);
    if (is_taken(st) && !st->broken)
        return 0;
    return forget(st, r < 0 ? r : -ECONNRESET);
}

int
h2_write(struct h2_stream *s, struct str bytes, bool last, uint64_t timeout_ms)
{
    struct stream *st = stream_of(s);
    must(!st->out_last);
    if (is_over(st))
        return -ECONNRESET;
    if (bytes.n == 0 && !last)
        return 0;
    st->out = bytes.p;
    st->out_left = bytes.n;
    st->out_last = last;
    return await_taken(st, timeout_ms);
}

int
h2_write_file(struct h2_stream *s, int file, off_t offset, size_t size, bool last,
              uint64_t timeout_ms)
{
    struct stream *st = stream_of(s);
    must(!st->out_last);
    if (is_over(st))
        return -ECONNRESET;
    if (size == 0 && !last)
        return 0;
    st->out = NULL;
    st->file = file;
    st->file_offset = offset;
    st->out_left = size;
    st->out_last = last;
    return await_taken(st, timeout_ms);
}

int
h2_write_end(struct h2_stream *s, const struct fields *trailers, uint64_t timeout_ms)
{
    struct stream *st = stream_of(s);
    if (st->out_last)
        return 0;
    if (is_over(st))
        return -ECONNRESET;
    st->out_trailers = trailers && trailers->n ? trailers : NULL;
    st->out_last = true;
    return await_taken(st, timeout_ms);
}
