/* Responses onto a stream. The head waits for the first piece of the body: so the end of an empty
 * response can be told with it, and frames are made once. */
#include "front/h2_connection.h"

#include "exchange/error_page.h"
#include "http/date.h"

#include <errno.h>

static const struct location *
place_of(const struct exchange *x)
{
    return x->location ? x->location : x->server->root;
}

/* $bytes_sent, $body_bytes_sent: frames with their heads. */
static int
count_sent(struct exchange *x, int r)
{
    const struct h2_exchange *h = x->connection;
    x->sent_bytes = h->stream->bytes_sent;
    x->sent_body_bytes = h->stream->body_sent;
    x->timed_out |= r == -ETIMEDOUT;
    return r;
}

static int
send_head(struct exchange *x, bool last)
{
    struct h2_exchange *h = x->connection;
    if (!h->head_held)
        return 0;
    h->head_held = false;
    h->ended |= last;
    return h2_write_head(h->stream, &h->head, last);
}

/* --- The head --- */

static void
put_length(struct exchange *x, struct fields *to)
{
    struct h2_exchange *h = x->connection;
    struct response *r = &x->response;
    bool without = r->status < 200 || r->status == 204 || r->status == 304;
    if (response_is_empty(x) && !h->extended)
        r->content_length = 0;
    if (r->content_length < 0 || r->status < 200 || r->status == 204 ||
        (r->status == 304 && r->content_length == 0))
        return;
    struct buf b;
    buf_init(&b, &x->arena, 24, 0);
    buf_u64(&b, (uint64_t)r->content_length);
    fields_add_known(to, HEADER_CONTENT_LENGTH, buf_str(&b));
    if (!without && x->request.method != METHOD_HEAD)
        h->promised = r->content_length;
}

static void
put_last_modified(struct exchange *x, struct fields *to)
{
    if (x->response.last_modified < 0)
        return;
    char *text = arena_text(&x->arena, HTTP_DATE_SIZE);
    date_format_http(x->response.last_modified, text);
    fields_add_known(to, HEADER_LAST_MODIFIED, (struct str){ text, HTTP_DATE_SIZE });
}

static bool
is_priority(const struct field *f)
{
    return f->id == HEADER_OTHER && f->name.n == 8 && str_eq_nocase(f->name, STR("priority"));
}

static void
put_fields(struct exchange *x, struct fields *to)
{
    const struct h2_exchange *h = x->connection;
    const struct response *r = &x->response;
    struct str server = r->server.p ? r->server : server_signature(x);
    struct str date = r->date.p ? r->date : date_http_now();
    if (server.n)
        fields_add_known(to, HEADER_SERVER, server);
    if (date.n)
        fields_add_known(to, HEADER_DATE, date);
    if (r->content_type.n)
        fields_add_known(to, HEADER_CONTENT_TYPE, r->content_type);
    put_length(x, to);
    put_last_modified(x, to);
    if (r->etag.n)
        fields_add_known(to, HEADER_ETAG, r->etag);
    for (unsigned i = 0; i < r->fields.n; i++) {
        const struct field *f = &r->fields.v[i];
        fields_push(to, f->name, f->value, f->id);
        if (is_priority(f))
            h2_prioritise(h->stream, f->value);
    }
}

static int
write_head(struct exchange *x)
{
    struct h2_exchange *h = x->connection;
    const struct location *l = place_of(x);
    int r = h->extended ? h2_websocket_response(x, h) : 0;
    if (r < 0)
        return r;
    h->send_timeout = l->core->send_timeout.ms;
    h->stream->chunk = l->http2->chunk_size.n;
    h->head = (struct h2_head){ .status = x->response.status };
    fields_init(&h->head.fields, &x->arena);
    put_fields(x, &h->head.fields);
    h->head_held = true;
    return 0;
}

static int
flush(struct exchange *x)
{
    return count_sent(x, send_head(x, false));
}

/* --- The body --- */

/* A body longer or shorter than was announced would be taken for something else by the client. */
static int
break_promise(struct exchange *x, const char *how)
{
    exchange_log(x, LEVEL_ERROR, 0, "response body is %s than its Content-Length", how);
    return -EPROTO;
}

static int
send_chunk(struct exchange *x, const struct chunk *chunk)
{
    struct h2_exchange *h = x->connection;
    bool last = chunk->last && x->response.trailers.n == 0 && h->promised <= 0;
    int r = send_head(x, false);
    h->ended |= last;
    if (r < 0)
        return r;
    if (chunk->file < 0)
        return h2_write(h->stream, chunk->bytes, last, h->send_timeout);
    return h2_write_file(h->stream, chunk->file, chunk->file_offset, chunk->file_size, last,
                         h->send_timeout);
}

static int
write_body(struct exchange *x, struct chunk *chunk)
{
    struct h2_exchange *h = x->connection;
    if (h->promised >= 0) {
        if (chunk_size(chunk) > (uint64_t)h->promised)
            return break_promise(x, "longer");
        h->promised -= (int64_t)chunk_size(chunk);
    }
    return count_sent(x, send_chunk(x, chunk));
}

static int
write_end(struct exchange *x)
{
    struct h2_exchange *h = x->connection;
    const struct fields *trailers = &x->response.trailers;
    if (h->promised > 0)
        return break_promise(x, "shorter");
    if (h->ended)
        return 0;
    int r = send_head(x, trailers->n == 0);
    if (r == 0 && !h->ended)
        r = h2_write_end(h->stream, trailers, h->send_timeout);
    h->ended = true;
    return count_sent(x, r);
}

static int
write_interim(struct exchange *x, unsigned status, const struct fields *fields)
{
    struct h2_exchange *h = x->connection;
    struct h2_head head = { .status = status };
    if (x->head_sent || h->head_held)
        return 0;
    if (status == 100)
        h->continue_owed = false;
    if (fields)
        head.fields = *fields;
    return h2_write_head(h->stream, &head, false);
}

static int
read_tunnel(struct exchange *x, struct chunk *out, uint64_t deadline)
{
    struct h2_exchange *h = x->connection;
    return h2_read(h->stream, &out->bytes, deadline);
}

const struct server_codec h2_server_codec = {
    .name = "HTTP/2",
    .shares = true,
    .read_body = h2_read_body,
    .write_interim = write_interim,
    .write_head = write_head,
    .write_body = write_body,
    .write_end = write_end,
    .read_tunnel = read_tunnel,
    .flush = flush,
};
