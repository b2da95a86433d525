/* The nghttp2 session of a link: its options, our settings, and what it tells of what came. */
#include "h2/link.h"

#include "base/must.h"
#include "h2/limits.h"
#include "h2/memory.h"

#include <errno.h>

/* Replies to PING and SETTINGS that may wait for a peer that does not read; entries of one SETTINGS
 * frame. */
enum { REPLIES_MAX = 1000, SETTINGS_MAX = 32 };

static struct stream *
find(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static bool
take_data(struct h2_link *l, const nghttp2_frame *frame)
{
    struct stream *st = find(l->session, frame->hd.stream_id);
    bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (st && last) {
        st->pub.end_of_body = true;
        h2_wake(&st->reader);
    }
    return last || frame->hd.length > 0 || h2_budget_control(&l->budget);
}

/* False: it is one too many of those that do nothing. */
static bool
take_frame(struct h2_link *l, const nghttp2_frame *frame)
{
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
        return take_data(l, frame);
    case NGHTTP2_HEADERS:
        h2_block_end(l, frame);
        return true;
    case NGHTTP2_RST_STREAM: /* counted where the stream ends */
        return true;
    case NGHTTP2_GOAWAY:
    case NGHTTP2_SETTINGS:
        l->events->on_change(l);
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            h2_link_heard_ping(l);
        break;
    default:
        break;
    }
    return h2_budget_control(&l->budget);
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2_link *l = user;
    if (!take_frame(l, frame))
        h2_link_calm(l, "client sent too many control frames");
    return 0;
}

/* RFC 9113 5.1.1: what was skipped is closed and was never open. */
static bool
opens_skipped(struct h2_link *l, uint32_t id)
{
    if (id <= l->last_id)
        return id >= l->skipped_from && id <= l->skipped_to;
    if (id > l->last_id + 2) {
        l->skipped_from = l->last_id + 1;
        l->skipped_to = id - 1;
    }
    l->last_id = id;
    return false;
}

/* What nghttp2 lets pass: such HEADERS, and (RFC 9113 6.3) PRIORITY on stream 0. */
static bool
is_misplaced(struct h2_link *l, const nghttp2_frame_hd *head)
{
    if (head->type == NGHTTP2_PRIORITY)
        return head->stream_id == 0;
    return head->type == NGHTTP2_HEADERS && l->settings.server &&
           opens_skipped(l, (uint32_t)head->stream_id);
}

/* Frames that nobody reads, those of unknown types among them, cost as much as the others. */
static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *user)
{
    struct h2_link *l = user;
    bool read = head->type <= NGHTTP2_CONTINUATION || head->type == NGHTTP2_PRIORITY_UPDATE;
    bool ignored = l->settings.server ? head->type == NGHTTP2_PRIORITY : false;
    if (is_misplaced(l, head)) {
        l->why = l->why ? l->why : "client sent a frame on an invalid stream";
        (void)nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    }
    if ((!read || ignored) && !h2_budget_control(&l->budget))
        h2_link_calm(l, "client sent too many frames without use");
    return 0;
}

/* Without this nghttp2 would not even tell of them. */
static int
skip_unknown(nghttp2_session *session, void **payload, const nghttp2_frame_hd *head, void *user)
{
    return NGHTTP2_ERR_CANCEL;
}

static int
on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n,
              void *user)
{
    struct stream *st = find(session, id);
    if (st && !st->closed && !st->pub.gone)
        h2_stream_take(st, (struct str){ (const char *)data, n });
    else
        (void)nghttp2_session_consume(session, id, n);
    return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct stream *st = find(session, id);
    if (st)
        h2_stream_end(st, code);
    return 0;
}

/* nghttp2 has found something malformed, and has reset the stream or will end the session. */
static int
on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    struct h2_link *l = user;
    struct stream *st = find(session, frame->hd.stream_id);
    if (st && st->pub.why == NULL)
        st->pub.why = nghttp2_strerror(error);
    if (!h2_budget_control(&l->budget))
        h2_link_calm(l, "client sent too many invalid frames");
    return 0;
}

static int
on_error(nghttp2_session *session, int error, const char *text, size_t n, void *user)
{
    struct h2_link *l = user;
    if (l->why == NULL && error != NGHTTP2_ERR_HTTP_HEADER) {
        n = n < sizeof l->why_text ? n : sizeof l->why_text - 1;
        memcpy(l->why_text, text, n);
        l->why_text[n] = '\0';
    }
    return 0;
}

static void
note_sent(struct h2_link *l, struct stream *st, const nghttp2_frame *frame)
{
    bool data = frame->hd.type == NGHTTP2_DATA;
    st->pub.bytes_sent += frame->hd.length + 9;
    st->pub.body_sent += data ? frame->hd.length + 9 : 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return;
    st->out_ended = true;
    /* RFC 9113 8.1: the rest of the request is not wanted any more. */
    if (l->settings.server && st->closed && !st->pub.end_of_body)
        (void)nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, st->pub.id,
                                        NGHTTP2_NO_ERROR);
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2_link *l = user;
    struct stream *st;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        l->broken = true;
    if (frame->hd.type <= NGHTTP2_HEADERS && (st = find(session, frame->hd.stream_id)) != NULL)
        note_sent(l, st, frame);
    return 0;
}

/* A request that was never said: GOAWAY came before. */
static int
on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    struct h2_link *l = user;
    if (l->settings.server || frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    for (struct list *i = l->streams.next; i != &l->streams; i = i->next) {
        struct stream *st = container_of(i, struct stream, at);
        if (st->pub.id != frame->hd.stream_id)
            continue;
        /* nghttp2 has opened the stream all the same and closes it next: st may be gone then. */
        (void)nghttp2_session_set_stream_user_data(session, st->pub.id, NULL);
        h2_stream_end(st, NGHTTP2_REFUSED_STREAM);
        break;
    }
    return 0;
}

static ssize_t
data_frame_size(nghttp2_session *session, uint8_t type, int32_t id, int32_t session_window,
                int32_t stream_window, uint32_t max_frame, void *user)
{
    const struct h2_link *l = user;
    size_t n = l->settings.chunk ? l->settings.chunk : max_frame;
    n = n < max_frame ? n : max_frame;
    n = n < (size_t)session_window ? n : (size_t)session_window;
    return (ssize_t)(n < (size_t)stream_window ? n : (size_t)stream_window);
}

/* --- Opening --- */

static nghttp2_session_callbacks *callbacks;
static nghttp2_option *server_option, *client_option;

__attribute__((constructor)) static void
make_callbacks(void)
{
    must(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks *c = callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, h2_block_begin);
    nghttp2_session_callbacks_set_on_header_callback2(c, h2_block_field);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(c, h2_block_bad_field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_unpack_extension_callback(c, skip_unknown);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
    nghttp2_session_callbacks_set_error_callback2(c, on_error);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(c, h2_output_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c, data_frame_size);
}

static nghttp2_option *
make_option(bool server)
{
    nghttp2_option *o;
    must(nghttp2_option_new(&o) == 0);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_outbound_ack(o, REPLIES_MAX);
    nghttp2_option_set_max_settings(o, SETTINGS_MAX);
    for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++)
        if (!server || type != NGHTTP2_PRIORITY_UPDATE)
            nghttp2_option_set_user_recv_extension_type(o, (uint8_t)type);
    if (server)
        nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
    h2_limits_set(o);
    return o;
}

__attribute__((constructor)) static void
make_options(void)
{
    server_option = make_option(true);
    client_option = make_option(false);
}

static int
submit_settings(struct h2_link *l)
{
    const struct h2_settings *my = &l->settings;
    nghttp2_settings_entry v[6];
    size_t n = 0;
    if (my->server && my->max_streams)
        v[n++] =
            (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, my->max_streams };
    if (!my->server)
        v[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 };
    if (my->stream_window)
        v[n++] =
            (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, my->stream_window };
    if (my->max_head < UINT32_MAX)
        v[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                                           (uint32_t)my->max_head };
    if (my->server)
        v[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 };
    if (my->server && my->connect_protocol)
        v[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 };
    return nghttp2_submit_settings(l->session, NGHTTP2_FLAG_NONE, v, n);
}

static void
set_defaults(struct h2_settings *my)
{
    enum { STREAMS = 128, HEAD = 32 * 1024, FIELDS = 1000 };
    my->max_streams = my->max_streams || !my->server ? my->max_streams : STREAMS;
    my->max_head = my->max_head ? my->max_head : HEAD;
    my->max_fields = my->max_fields ? my->max_fields : FIELDS;
}

int
h2_session_open(struct h2_link *l)
{
    set_defaults(&l->settings);
    nghttp2_mem *memory = h2_memory();
    int r = l->settings.server
                ? nghttp2_session_server_new3(&l->session, callbacks, l, server_option, memory)
                : nghttp2_session_client_new3(&l->session, callbacks, l, client_option, memory);
    if (r == 0)
        r = submit_settings(l);
    if (r == 0 && l->settings.connection_window > NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE)
        r = nghttp2_session_set_local_window_size(l->session, NGHTTP2_FLAG_NONE, 0,
                                                  (int32_t)l->settings.connection_window);
    return r;
}
