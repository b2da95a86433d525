/* Field blocks: heads and trailers as they are decoded, within their limits. */
#include "h2/link.h"

/* Interim responses that may come before the final one. */
enum { INTERIM_MAX = 32 };
/* A field block that goes beyond its limit by this factor ends the link: decoding costs too. */
enum { BLOCK_FACTOR = 8 };

static struct stream *
find(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static bool
is_head(const nghttp2_frame *frame)
{
    return frame->headers.cat == NGHTTP2_HCAT_REQUEST ||
           frame->headers.cat == NGHTTP2_HCAT_RESPONSE;
}

static void
begin_block(struct h2_link *l, struct stream *st)
{
    l->block = st;
    l->budget.block_bytes = 0;
    l->budget.block_began = l->conn->bytes_read;
    st->n_fields = 0;
}

/* --- A client's streams --- */

static void
begin_response(struct stream *st)
{
    if (st->head_whole) {
        fields_init(&st->pub.trailers, st->arena);
        st->block = NULL;
        return;
    }
    struct waiting_head *w = arena_new(st->arena, struct waiting_head);
    fields_init(&w->head.fields, st->arena);
    st->block = &w->head;
}

/* --- A server's --- */

/* Those that their owners have not let go yet count too, though the peer may think otherwise. */
static bool
has_room(const struct h2_link *l)
{
    return !l->calmed && l->n_streams < 2 * (uint64_t)l->settings.max_streams;
}

static int
begin_request(struct h2_link *l, int32_t id)
{
    struct stream *st = has_room(l) ? h2_stream_open(l, id) : NULL;
    if (st)
        st->arena = l->events->on_open(l, &st->pub);
    if (st && st->arena) {
        fields_init(&st->pub.head.fields, st->arena);
        st->block = &st->pub.head;
        begin_block(l, st);
        (void)nghttp2_session_set_stream_user_data(l->session, id, st);
        return 0;
    }
    if (st) {
        st->closed = true;
        l->n_streams--;
        h2_stream_free(st);
    }
    return nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
}

int
h2_block_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2_link *l = user;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        return begin_request(l, frame->hd.stream_id);
    struct stream *st = find(session, frame->hd.stream_id);
    if (st == NULL || st->closed || st->pub.gone)
        return 0;
    if (l->settings.server) {
        fields_init(&st->pub.trailers, st->arena);
        st->block = NULL;
    } else {
        begin_response(st);
    }
    begin_block(l, st);
    return 0;
}

/* RFC 9113 6.5.2: 32 bytes more a field than its name and value have. */
static unsigned
judge_size(const struct h2_link *l, const struct stream *st, struct str name, struct str value)
{
    if (l->settings.max_field && name.n + value.n > l->settings.max_field)
        return str_eq(name, STR(":path")) ? 414 : 431;
    if (l->budget.block_bytes > l->settings.max_head)
        return 431;
    return l->settings.max_fields && st->n_fields > l->settings.max_fields ? 431 : 0;
}

static struct str
text_of(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return (struct str){ (const char *)v.base, v.len };
}

int
h2_block_field(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name_buf,
               nghttp2_rcbuf *value_buf, uint8_t flags, void *user)
{
    struct h2_link *l = user;
    struct stream *st = l->block;
    struct str name = text_of(name_buf), value = text_of(value_buf);
    if (st == NULL || st->pub.id != frame->hd.stream_id)
        return 0;
    l->budget.block_bytes += name.n + value.n + 32;
    if (l->budget.block_bytes > (uint64_t)l->settings.max_head * BLOCK_FACTOR) {
        h2_link_calm(l, "client sent too large header block");
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    st->pub.head_bytes += name.n + value.n;
    st->n_fields++;
    unsigned refused = st->refused ? st->refused : judge_size(l, st, name, value);
    if (refused == 0 && !h2_fields_take(st, name, value))
        refused = 431;
    st->refused = refused;
    return 0;
}

/* Names and values that no field may have (RFC 9113 8.2.1): the message is malformed. */
int
h2_block_bad_field(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                   nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct stream *st = find(session, frame->hd.stream_id);
    if (st)
        st->pub.why = "invalid header field";
    (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                    NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* --- A whole block --- */

static void
end_block(struct h2_link *l)
{
    l->block = NULL;
    if (l->head_deadline == NEVER)
        return;
    l->head_deadline = NEVER;
    h2_link_set_timer(l);
}

static void
end_request(struct h2_link *l, struct stream *st)
{
    st->head_whole = true;
    h2_fields_join_cookies(&st->pub.head.fields);
    h2_budget_earn_request(&l->budget);
    if (st->refused)
        l->events->on_refused(l, &st->pub, st->refused);
    else
        l->events->on_request(l, &st->pub);
}

static void
give_up(struct h2_link *l, struct stream *st, uint32_t code, const char *why)
{
    st->pub.why = why;
    (void)nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, st->pub.id, code);
    if (!st->pub.gone)
        h2_stream_lose(st, code);
}

static void
end_response(struct h2_link *l, struct stream *st)
{
    struct waiting_head *w = container_of(st->block, struct waiting_head, head);
    st->block = NULL;
    if (w->head.status < 100) {
        give_up(l, st, NGHTTP2_PROTOCOL_ERROR, "invalid status");
        return;
    }
    if (w->head.status < 200 && ++st->n_interim > INTERIM_MAX) {
        give_up(l, st, NGHTTP2_ENHANCE_YOUR_CALM, "too many interim responses");
        return;
    }
    st->head_whole = w->head.status >= 200;
    list_push_back(&st->heads, &w->link);
    h2_wake(&st->reader);
}

void
h2_block_end(struct h2_link *l, const nghttp2_frame *frame)
{
    struct stream *st = find(l->session, frame->hd.stream_id);
    end_block(l);
    if (st == NULL || st->closed)
        return;
    st->pub.end_of_body |= (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (l->settings.server && is_head(frame))
        end_request(l, st);
    else if (st->refused)
        give_up(l, st, NGHTTP2_ENHANCE_YOUR_CALM, "too large header");
    else if (st->block)
        end_response(l, st);
    if (st->pub.end_of_body)
        h2_wake(&st->reader);
}
