/* HTTP/1 responses onto the wire: the head waits for the first piece of the body, so that both
 * leave in one write. */
#include "base/must.h"
#include "exchange/error_page.h"
#include "front/front_thread.h"
#include "front/h1_connection.h"
#include "http/date.h"

#include <errno.h>
#include <unistd.h>

/* Files up to this size are read and sent with their head in one write; sendfile pays off beyond.
 */
enum { READ_FILE_MOST = 32 * 1024, HEAD_FIRST = 512 };

/* One writer at a time: beside the exchange's fiber, the one that uploads the request's body may
 * have to say 100 Continue. */
static int
take_wire(struct h1_exchange *h, uint64_t timeout_ms)
{
    int r = 0;
    while (h->writer && r == 0) {
        h->queue = fiber_self();
        r = fiber_park(clock_in(timeout_ms));
        h->queue = NULL;
    }
    if (r == 0 && h->broken)
        r = -EPIPE;
    if (r == 0)
        h->writer = fiber_self();
    return r;
}

static int
give_wire(struct h1_exchange *h, int result)
{
    h->writer = NULL;
    h->broken |= result < 0;
    h->x->timed_out |= result == -ETIMEDOUT;
    if (h->queue)
        fiber_wake(h->queue);
    return result;
}

static int
write_alone(struct h1_exchange *h, struct str bytes, uint64_t timeout_ms)
{
    int r = take_wire(h, timeout_ms);
    if (r < 0)
        return r;
    return give_wire(h, conn_write(&h->connection->base->conn, bytes.p, bytes.n, timeout_ms));
}

static struct conn *
conn_of(const struct exchange *x)
{
    const struct h1_exchange *h = x->connection;
    return &h->connection->base->conn;
}

static const struct core_settings *
core_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core;
}

/* May this connection serve another request? Decided when the head is written, as the head says it.
 */
static bool
may_go_on(const struct exchange *x)
{
    const struct core_settings *core = core_of(x);
    const struct client *client = x->client;
    const struct h1_exchange *h = x->connection;
    bool may_wait = h->continue_owed && !h->body_ended; /* for a 100 that does not come any more */
    return x->keep_alive && !may_wait && !front_self()->draining &&
           !h->connection->base->listener->closed && core->keepalive_timeout.ms > 0 &&
           client->requests < core->keepalive_requests &&
           clock_ms() - client->began_ms < core->keepalive_time.ms;
}

/* How the body ends for the client (RFC 9112 6). */
static void
write_framing(struct exchange *x, struct h1_exchange *h, struct buf *b)
{
    struct response *r = &x->response;
    bool without = r->status < 200 || r->status == 204 || r->status == 304;
    bool may_chunk = x->request.version >= VERSION_11 && core_of(x)->chunked_transfer_encoding &&
                     !without && x->request.method != METHOD_HEAD;
    if (r->at_end.run && may_chunk)
        r->content_length = -1; /* trailers stand behind chunks only */
    else if (response_is_empty(x))
        r->content_length = 0;
    if (r->content_length >= 0 && r->status >= 200 && r->status != 204 &&
        (r->status != 304 || r->content_length > 0)) {
        buf_put(b, STR("Content-Length: "));
        buf_u64(b, (uint64_t)r->content_length);
        buf_put(b, STR("\r\n"));
        if (!without && x->request.method != METHOD_HEAD)
            h->promised = r->content_length;
    } else if (without || x->request.method == METHOD_HEAD) {
        return;
    } else if (may_chunk) {
        buf_put(b, STR("Transfer-Encoding: chunked\r\n"));
        h->chunked_out = true;
    } else {
        x->keep_alive = false;
    }
}

static void
write_connection(struct exchange *x, struct buf *b)
{
    const struct core_settings *core = core_of(x);
    if (x->response.status == 101)
        return; /* the backend's Connection and Upgrade are among the fields */
    if (!x->keep_alive) {
        buf_put(b, STR("Connection: close\r\n"));
        return;
    }
    buf_put(b, STR("Connection: keep-alive\r\n"));
    if (core->keepalive_header.ms) {
        buf_put(b, STR("Keep-Alive: timeout="));
        buf_u64(b, core->keepalive_header.ms / 1000);
        buf_put(b, STR("\r\n"));
    }
}

static void
write_last_modified(struct exchange *x, struct buf *b)
{
    char *at = x->response.last_modified >= 0 ? buf_room(b, HTTP_DATE_SIZE + 17) : NULL;
    if (at == NULL)
        return;
    memcpy(at, "Last-Modified: ", 15);
    date_format_http(x->response.last_modified, at + 15);
    memcpy(at + 15 + HTTP_DATE_SIZE, "\r\n", 2);
    b->n += 15 + HTTP_DATE_SIZE + 2;
}

static void
set_nodelay(struct h1_connection *c, bool on)
{
    if (c->nodelay == on)
        return;
    c->nodelay = on;
    conn_set_nodelay(&c->base->conn, on);
}

static int
write_head(struct exchange *x)
{
    struct h1_exchange *h = x->connection;
    set_nodelay(h->connection, core_of(x)->tcp_nodelay);
    struct response *r = &x->response;
    struct buf *b = &h->head;
    x->keep_alive = may_go_on(x);
    h->send_timeout = core_of(x)->send_timeout.ms;
    buf_init(b, &x->arena, HEAD_FIRST, 0);
    h1_write_status_line(b, r->status, r->reason);
    struct str server = r->server.p ? r->server : server_signature(x);
    struct str date = r->date.p ? r->date : date_http_now();
    if (server.n)
        h1_write_field(b, STR("Server"), server);
    if (date.n)
        h1_write_field(b, STR("Date"), date);
    if (r->content_type.n)
        h1_write_field(b, STR("Content-Type"), r->content_type);
    write_framing(x, h, b);
    write_last_modified(x, b);
    write_connection(x, b);
    if (r->etag.n)
        h1_write_field(b, STR("ETag"), r->etag);
    h1_write_fields(b, &r->fields);
    buf_put(b, STR("\r\n"));
    h->head_held = true;
    return 0;
}

/* $body_bytes_sent is all but the head, chunks' framing included, as nginx counts. */
static void
count_sent(struct exchange *x, uint64_t before, uint64_t head)
{
    uint64_t sent = conn_of(x)->bytes_written - before;
    x->sent_bytes += sent;
    x->sent_body_bytes += sent > head ? sent - head : 0;
}

static int
send_vec(struct exchange *x, struct iovec *iov, int n)
{
    struct h1_exchange *h = x->connection;
    struct conn *conn = conn_of(x);
    int r = take_wire(h, h->send_timeout);
    if (r < 0)
        return r;
    uint64_t before = conn->bytes_written;
    r = give_wire(h, conn_writev(conn, iov, n, h->send_timeout));
    count_sent(x, before, h->head_held ? h->head.n : 0);
    h->head_held = false;
    return r;
}

static struct iovec
iov_of(const void *p, size_t n)
{
    return (struct iovec){ (void *)p, n };
}

/* Bytes with whatever stands before and after them on the wire, in one write. */
static int
send_bytes(struct exchange *x, struct str bytes, bool last)
{
    struct h1_exchange *h = x->connection;
    struct iovec iov[4];
    char size_line[H1_CHUNK_HEAD_MAX];
    int n = 0;
    size_t head = h->head_held ? h->head.n : 0;
    if (head)
        iov[n++] = iov_of(h->head.p, head);
    if (h->chunked_out)
        iov[n++] = iov_of(size_line, h1_chunk_head(bytes.n, size_line));
    iov[n++] = iov_of(bytes.p, bytes.n);
    bool end_too = h->chunked_out && last && x->response.trailers.n == 0;
    if (end_too)
        iov[n++] = iov_of("\r\n0\r\n\r\n", 7);
    else if (h->chunked_out)
        iov[n++] = iov_of("\r\n", 2);
    h->ended = end_too;
    return send_vec(x, iov, n);
}

static int
flush(struct exchange *x)
{
    struct h1_exchange *h = x->connection;
    struct iovec iov = iov_of(h->head.p, h->head.n);
    return h->head_held ? send_vec(x, &iov, 1) : 0;
}

/* A small file travels with its head. */
static int
send_small_file(struct exchange *x, const struct chunk *chunk)
{
    struct buffer *b = buffer_take(chunk->file_size);
    ssize_t n = pread(chunk->file, b->data, chunk->file_size, chunk->file_offset);
    int r = n == (ssize_t)chunk->file_size
                ? send_bytes(x, (struct str){ b->data, (size_t)n }, chunk->last)
                : -EIO;
    buffer_put(b);
    return r;
}

/* In pieces of its own chunk each when the length was not announced. */
static int
send_file(struct exchange *x, struct chunk *chunk)
{
    struct h1_exchange *h = x->connection;
    struct conn *conn = conn_of(x);
    char size_line[H1_CHUNK_HEAD_MAX];
    if (chunk->file_size <= READ_FILE_MOST)
        return send_small_file(x, chunk);
    int r = flush(x);
    if (r == 0)
        r = take_wire(h, h->send_timeout);
    if (r < 0)
        return r;
    uint64_t before = conn->bytes_written;
    if (h->chunked_out)
        r = conn_write(conn, size_line, h1_chunk_head(chunk->file_size, size_line),
                       h->send_timeout);
    if (r == 0)
        r = conn_sendfile(conn, chunk->file, &chunk->file_offset, chunk->file_size,
                          h->send_timeout);
    if (r == 0 && h->chunked_out)
        r = conn_write(conn, "\r\n", 2, h->send_timeout);
    count_sent(x, before, 0);
    return give_wire(h, r);
}

/* A body longer or shorter than was announced would be taken for something else by the client. */
static int
break_promise(struct exchange *x, const char *how)
{
    exchange_log(x, LEVEL_ERROR, 0, "response body is %s than its Content-Length", how);
    return -EPROTO;
}

static int
write_body(struct exchange *x, struct chunk *chunk)
{
    struct h1_exchange *h = x->connection;
    if (h->promised >= 0) {
        if (chunk_size(chunk) > (uint64_t)h->promised)
            return break_promise(x, "longer");
        h->promised -= (int64_t)chunk_size(chunk);
    }
    return chunk->file >= 0 ? send_file(x, chunk) : send_bytes(x, chunk->bytes, chunk->last);
}

static int
write_end(struct exchange *x)
{
    struct h1_exchange *h = x->connection;
    if (h->promised > 0)
        return break_promise(x, "shorter");
    if (!h->chunked_out || h->ended)
        return flush(x);
    if (!h->head_held)
        buf_init(&h->head, &x->arena, 64, 0);
    size_t head = h->head.n;
    h1_write_last_chunk(&h->head, &x->response.trailers);
    h->ended = h->head_held = true;
    size_t end = h->head.n - head;
    int r = flush(x);
    x->sent_body_bytes += r == 0 ? end : 0; /* what is held counts as head */
    return r;
}

static int
write_interim(struct exchange *x, unsigned status, const struct fields *fields)
{
    struct h1_exchange *h = x->connection;
    struct buf b;
    if (x->request.version < VERSION_11 || x->head_sent)
        return 0;
    if (status == 100)
        h->continue_owed = false;
    buf_init(&b, &x->arena, HEAD_FIRST, 0);
    h1_write_status_line(&b, status, STR_NONE);
    if (fields)
        h1_write_fields(&b, fields);
    buf_put(&b, STR("\r\n"));
    return write_alone(h, buf_str(&b), core_of(x)->send_timeout.ms);
}

int
h1_send_continue(struct h1_exchange *h)
{
    return write_alone(h, STR("HTTP/1.1 100 Continue\r\n\r\n"),
                       core_of(h->x)->client_body_timeout.ms);
}

static struct conn *
hijack(struct exchange *x, struct str *pending)
{
    struct h1_exchange *h = x->connection;
    struct h1_connection *c = h->connection;
    must(!h->head_held);
    c->hijacked = true;
    *pending = h1_unread(c);
    return &c->base->conn;
}

const struct server_codec h1_server_codec = {
    .name = "HTTP/1",
    .read_body = h1_read_body,
    .write_interim = write_interim,
    .write_head = write_head,
    .write_body = write_body,
    .write_end = write_end,
    .hijack = hijack,
    .flush = flush,
};
