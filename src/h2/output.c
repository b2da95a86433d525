/* Frames: made by nghttp2 into one buffer, as long as it has room; written when a turn ends, or
 * when the buffer is full. While the socket takes nothing, nothing is made, so that priorities
 * decide late and a slow peer costs one buffer. */
#include "h2/link.h"

#include <errno.h>
#include <unistd.h>

/* What one call of nghttp2 may add: a frame, its head and some padding; a DATA frame that is short
 * though there was more to send is the peer's tiny window, and earns it nothing. */
enum { FRAME_MOST = 16384 + 9 + 256, FRAME_USEFUL = 1024 };

static size_t
room(const struct h2_link *l)
{
    return l->out ? l->out->cap - l->out_end : BUFFER_SIZE;
}

bool
h2_output_is_full(const struct h2_link *l)
{
    return room(l) < FRAME_MOST;
}

static char *
place(struct h2_link *l)
{
    if (l->out == NULL) {
        l->out = buffer_take(BUFFER_SIZE);
        l->out_start = l->out_end = 0;
    }
    return l->out->data + l->out_end;
}

/* A fast peer does not hold the thread. */
enum { WRITES_PER_TURN = 8 };

/* --- DATA --- */

/* The trailers are queued behind what is left. */
static void
submit_trailers(struct stream *st)
{
    struct h2_nv nv;
    h2_fields_make_trailers(&nv, st->out_trailers);
    (void)nghttp2_submit_trailer(st->pub.link->session, st->pub.id, nv.v, nv.n);
    h2_fields_release(&nv);
    st->out_trailers = NULL;
    h2_wake(&st->writer);
}

static ssize_t
read_data(nghttp2_session *session, int32_t id, uint8_t *to, size_t most, uint32_t *flags,
          nghttp2_data_source *source, void *user)
{
    struct stream *st = source->ptr;
    size_t n = st->out_left < most ? st->out_left : most;
    if (st->pub.chunk && n > st->pub.chunk)
        n = st->pub.chunk;
    if (st->broken)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (n == 0 && !st->out_last) {
        st->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n < st->out_left || !st->out_last)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (st->out_trailers) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(st);
    }
    return (ssize_t)n;
}

static bool
copy(struct stream *st, char *to, size_t n)
{
    if (st->out_left < n)
        return false;
    if (st->out) {
        memcpy(to, st->out, n);
        st->out += n;
    } else if (n > 0) {
        ssize_t got = pread(st->file, to, n, st->file_offset);
        st->short_file = got != (ssize_t)n;
        if (st->short_file)
            return false;
        st->file_offset += got;
    }
    st->out_left -= n;
    return true;
}

int
h2_output_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
                    nghttp2_data_source *source, void *user)
{
    struct h2_link *l = user;
    struct stream *st = source->ptr;
    if (room(l) < n + 9)
        return NGHTTP2_ERR_WOULDBLOCK;
    char *to = place(l);
    if (!copy(st, to + 9, n)) {
        st->broken = true;
        h2_wake(&st->writer);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    memcpy(to, head, 9);
    l->out_end += n + 9;
    if (st->out_left == 0)
        h2_wake(&st->writer);
    if (st->out_left == 0 || n >= FRAME_USEFUL)
        h2_budget_earn_frame(&l->budget);
    return 0;
}

nghttp2_data_provider
h2_output_of(struct stream *st)
{
    return (nghttp2_data_provider){ .source.ptr = st, .read_callback = read_data };
}

/* --- All frames --- */

void
h2_output_fill(struct h2_link *l)
{
    const uint8_t *frame;
    while (l->error == 0 && !l->full && !h2_output_is_full(l)) {
        ssize_t n = nghttp2_session_mem_send(l->session, &frame);
        if (n < 0)
            h2_link_fail(l, -ENOMEM, nghttp2_strerror((int)n));
        if (n <= 0)
            return;
        memcpy(place(l), frame, (size_t)n);
        l->out_end += (size_t)n;
    }
}

static void
note_stall(struct h2_link *l, bool moved)
{
    l->full = true;
    if (!moved && l->send_deadline != NEVER)
        return;
    l->send_deadline = l->settings.send_timeout_ms ? clock_in(l->settings.send_timeout_ms) : NEVER;
    h2_link_set_timer(l);
}

static void
note_flow(struct h2_link *l)
{
    l->full = false;
    buffer_put(l->out);
    l->out = NULL;
    l->out_start = l->out_end = 0;
    if (l->send_deadline == NEVER)
        return;
    l->send_deadline = NEVER;
    h2_link_set_timer(l);
}

/* False: the socket takes no more for now, or never. */
static bool
write_out(struct h2_link *l)
{
    bool moved = false;
    while (l->out && l->out_start < l->out_end) {
        ssize_t n = conn_try_write(l->conn, l->out->data + l->out_start, l->out_end - l->out_start);
        if (n == -EAGAIN)
            note_stall(l, moved);
        else if (n < 0)
            h2_link_fail(l, (int)n, NULL);
        if (n < 0)
            return false;
        l->out_start += (size_t)n;
        moved = true;
    }
    note_flow(l);
    return true;
}

/* All was said, on both sides, or what was wrong. */
static void
note_end(struct h2_link *l)
{
    if (l->out || nghttp2_session_want_read(l->session) || nghttp2_session_want_write(l->session))
        return;
    h2_link_fail(l, l->broken ? -EPROTO : -EPIPE, l->why_text[0] ? l->why_text : NULL);
}

void
h2_output_push(struct h2_link *l)
{
    unsigned writes = 0;
    do
        h2_output_fill(l);
    while (l->error == 0 && l->out && write_out(l) && ++writes < WRITES_PER_TURN);
    if (writes == WRITES_PER_TURN)
        h2_link_touch(l);
    else if (l->error == 0)
        note_end(l);
}
