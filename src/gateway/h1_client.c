/* HTTP/1 towards a backend: the request as nginx would send it, the response strictly read (RFC
 * 9112). */
#include "gateway/gateway.h"

#include "exchange/trail.h"

#include <errno.h>

enum { REQUEST_FIRST = 1024 };

static struct conn *
conn_of(struct gateway *g)
{
    return &g->attempt.conn->conn;
}

/* --- the request --- */

static struct str
method_of(struct gateway *g)
{
    return g->my->method ? template_eval(g->my->method, g->x) : g->x->request.method_name;
}

/* Fields that are about the client's connection or that usher writes itself (RFC 9110 7.6.1). */
static bool
is_ours(enum header id)
{
    switch ((int)id) {
    case HEADER_HOST:
    case HEADER_CONNECTION:
    case HEADER_CONTENT_LENGTH:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_TE:
    case HEADER_KEEP_ALIVE:
    case HEADER_EXPECT:
    case HEADER_UPGRADE:
    case HEADER_PROXY_CONNECTION:
        return true;
    default:
        return false;
    }
}

/* Named by the client's Connection field: for this hop only. */
static bool
is_nominated(struct str connection, const struct field *f)
{
    return connection.n && f->id != HEADER_CONNECTION && list_has_token(connection, f->name);
}

/* The client's Connection value when it may nominate fields; nearly all clients send only these
 * words. */
static struct str
nominating(const struct fields *fields)
{
    struct str value = fields_value(fields, HEADER_CONNECTION);
    bool plain = str_eq_nocase(value, STR("keep-alive")) || str_eq_nocase(value, STR("close")) ||
                 str_eq_nocase(value, STR("upgrade"));
    return plain ? STR_NONE : value;
}

static bool
is_replaced(const struct set_headers *set, const struct field *f)
{
    if (set == NULL)
        return false;
    return f->id != HEADER_OTHER ? set->known[f->id] : map_try(&set->others, f->name) != NULL;
}

static void
write_client_fields(struct gateway *g, struct buf *b)
{
    const struct fields *fields = &g->x->request.fields;
    struct str connection = nominating(fields);
    for (unsigned i = 0; i < fields->n; i++) {
        const struct field *f = &fields->v[i];
        if (!is_ours(f->id) && !is_replaced(g->my->set_headers, f) && !is_nominated(connection, f))
            h1_write_field(b, f->name, f->value);
    }
}

static bool
sets(const struct gateway *g, enum header id)
{
    return g->my->set_headers && g->my->set_headers->known[id];
}

/* Values come from clients through variables: a line break would be a second field. */
static bool
is_safe(struct str value)
{
    return str_find(value, '\n') < 0 && str_find(value, '\r') < 0 && str_find(value, '\0') < 0;
}

static void
write_set_headers(struct gateway *g, struct buf *b)
{
    const struct set_headers *set = g->my->set_headers;
    for (unsigned i = 0; set && i < set->n; i++) {
        struct str value = template_eval(set->v[i].value, g->x);
        bool framing =
            set->v[i].id == HEADER_CONTENT_LENGTH || set->v[i].id == HEADER_TRANSFER_ENCODING;
        if (value.n && !framing && is_safe(value))
            h1_write_field(b, set->v[i].name, value);
    }
}

static void
write_framing(struct gateway *g, struct buf *b)
{
    if (g->body_streams && g->x->request.framing == FRAMING_CHUNKED) {
        buf_put(b, STR("Transfer-Encoding: chunked\r\n"));
    } else if (g->body_size > 0 || g->x->request.framing != FRAMING_NONE || g->my->set_body) {
        buf_put(b, STR("Content-Length: "));
        buf_u64(b, g->body_size);
        buf_put(b, STR("\r\n"));
    }
}

static void
write_request(struct gateway *g)
{
    struct buf *b = &g->request_head;
    buf_init(b, &g->x->arena, REQUEST_FIRST, 0);
    buf_put(b, method_of(g));
    buf_byte(b, ' ');
    buf_put(b, g->target.uri);
    buf_put(b, g->http_version == VERSION_10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
    if (!sets(g, HEADER_HOST))
        h1_write_field(b, STR("Host"), g->target.host);
    if (g->http_version == VERSION_10 && !sets(g, HEADER_CONNECTION))
        buf_put(b, STR("Connection: close\r\n"));
    write_set_headers(g, b);
    write_framing(g, b);
    if (g->my->pass_request_headers)
        write_client_fields(g, b);
    buf_put(b, STR("\r\n"));
}

static int
count_sent(struct gateway *g, uint64_t before, int r)
{
    g->step->sent += conn_of(g)->bytes_written - before;
    g->request_sent |= conn_of(g)->bytes_written > before;
    return r;
}

static int
send_request(struct gateway *g)
{
    struct iovec iov[2] = { { g->request_head.p, g->request_head.n },
                            { (void *)g->body_bytes.p, g->body_bytes.n } };
    uint64_t before = conn_of(g)->bytes_written;
    int r = conn_writev(conn_of(g), iov, g->body_bytes.n ? 2 : 1, g->my->send_timeout.ms);
    return count_sent(g, before, r);
}

static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    char size_line[H1_CHUNK_HEAD_MAX];
    bool chunked = g->x->request.framing == FRAMING_CHUNKED;
    struct iovec iov[3] = { { size_line, 0 },
                            { (void *)chunk->bytes.p, chunk->bytes.n },
                            { (void *)"\r\n", 2 } };
    uint64_t before = conn_of(g)->bytes_written;
    if (chunked)
        iov[0].iov_len = h1_chunk_head(chunk->bytes.n, size_line);
    int r =
        conn_writev(conn_of(g), chunked ? iov : iov + 1, chunked ? 3 : 1, g->my->send_timeout.ms);
    return count_sent(g, before, r);
}

static int
end_body(struct gateway *g)
{
    if (g->x->request.framing != FRAMING_CHUNKED)
        return 0;
    return conn_write(conn_of(g), "0\r\n\r\n", 5, g->my->send_timeout.ms);
}

/* --- the response --- */

/* Bytes of the backend into g->in, which is only held while there are some. > 0, 0 at the end, or
 * -errno. */
static ssize_t
fill(struct gateway *g, size_t most)
{
    struct conn *conn = conn_of(g);
    uint64_t deadline = clock_in(g->my->read_timeout.ms);
    if (g->start == g->end) {
        g->start = g->end = 0;
        if (g->in && !conn_maybe_readable(conn)) {
            buffer_put(g->in);
            g->in = NULL;
        }
    }
    int r = conn_maybe_readable(conn) ? 0 : conn_wait_readable(conn, deadline);
    if (r < 0)
        return r;
    if (g->in == NULL)
        g->in = buffer_take(most > BUFFER_SIZE ? most : BUFFER_SIZE);
    size_t room = g->in->cap - g->end;
    ssize_t n = conn_read(conn, g->in->data + g->end, room < most ? room : most, deadline);
    if (n > 0) {
        g->end += (size_t)n;
        g->step->received += (uint64_t)n;
    }
    return n;
}

static struct str
unread(const struct gateway *g)
{
    return g->in ? str_between(g->in->data + g->start, g->in->data + g->end) : STR_NONE;
}

/* The head lives in the arena, so that the buffer is free for the body. */
static int
parse_head(struct gateway *g, size_t size, const char **why)
{
    struct exchange *x = g->x;
    const struct h1_limits limits = {
        .line = size, .fields = 1000, .underscores = true, .ignore_invalid = false
    };
    struct str head = arena_dup(&x->arena, str_head(unread(g), size));
    g->start += size;
    fields_init(&g->head.fields, &x->arena);
    enum method method = g->my->method ? method_id(method_of(g)) : x->request.method;
    if (h1_parse_response(head, &limits, method, &g->head, why) != H1_DONE)
        return -EPROTO;
    g->left = g->head.content_length;
    g->body_ended =
        g->head.framing == FRAMING_NONE || (g->head.framing == FRAMING_LENGTH && g->left == 0);
    if (g->head.framing == FRAMING_CHUNKED) {
        fields_init(&g->trailers, &x->arena);
        h1_chunked_init(&g->chunked, &g->trailers);
    }
    return 0;
}

static int
read_head(struct gateway *g, const char **why)
{
    size_t scanned = 0, size, most = g->my->buffer_size.n;
    for (;;) {
        struct str in = unread(g);
        if (in.n && h1_find_head_end(in, &scanned, &size) == H1_DONE)
            return size > most ? -EMSGSIZE : parse_head(g, size, why);
        if (in.n >= most)
            return -EMSGSIZE;
        ssize_t n = fill(g, most > BUFFER_SIZE ? most : BUFFER_SIZE);
        if (n == 0)
            return in.n ? -EPROTO : -EPIPE;
        if (n < 0)
            return (int)n;
    }
}

static int
next_of_length(struct gateway *g, struct chunk *out)
{
    if (unread(g).n == 0) {
        ssize_t n =
            fill(g, BUFFER_SIZE); /* beyond the end too: a short read proves that nothing follows */
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
    struct str in = unread(g);
    out->bytes = in.n > g->left ? str_head(in, (size_t)g->left) : in;
    g->start += out->bytes.n;
    g->left -= out->bytes.n;
    g->body_ended = out->last = g->left == 0;
    return 1;
}

/* All chunks that have arrived, moved together into one piece. */
static int
next_of_chunked(struct gateway *g, struct chunk *out)
{
    for (;;) {
        struct str in = unread(g), data;
        char *to = g->in ? g->in->data + g->start : NULL;
        out->bytes = (struct str){ to, 0 };
        while (in.n && !g->body_ended) {
            enum h1_outcome outcome = h1_chunked_next(&g->chunked, &in, &data);
            if (outcome == H1_BAD)
                return -EPROTO;
            if (data.n)
                memmove(to + out->bytes.n, data.p, data.n);
            out->bytes.n += data.n;
            g->body_ended = outcome == H1_DONE;
        }
        g->start = g->end - in.n;
        out->last = g->body_ended && g->trailers.n == 0;
        if (out->bytes.n)
            return 1;
        if (g->body_ended)
            return 0;
        ssize_t n = fill(g, BUFFER_SIZE);
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
}

/* The end of the connection is the end of the body. */
static int
next_until_close(struct gateway *g, struct chunk *out)
{
    if (unread(g).n == 0) {
        ssize_t n = fill(g, BUFFER_SIZE);
        g->body_ended = n == 0;
        if (n <= 0)
            return (int)n;
    }
    out->bytes = unread(g);
    g->start = g->end;
    return 1;
}

static int
read_body(struct gateway *g, struct chunk *out)
{
    int r = 0;
    if (g->body_ended)
        return 0;
    switch (g->head.framing) {
    case FRAMING_LENGTH:
        r = next_of_length(g, out);
        break;
    case FRAMING_CHUNKED:
        r = next_of_chunked(g, out);
        break;
    case FRAMING_CLOSE:
        r = next_until_close(g, out);
        break;
    case FRAMING_NONE:
    case FRAMING_STREAM:
        break;
    }
    return r;
}

static bool
may_keep(const struct gateway *g)
{
    return g->head.keep_alive && g->head.framing != FRAMING_CLOSE && g->start == g->end &&
           !g->uploading;
}

const struct client_codec h1_client_codec = {
    .name = "HTTP/1",
    .write_request = write_request,
    .send_request = send_request,
    .send_body = send_body,
    .end_body = end_body,
    .read_head = read_head,
    .read_body = read_body,
    .may_keep = may_keep,
};
