/* HTTP/1 towards a backend: the request as nginx would send it, the response strictly read (RFC
 * 9112). */
#include "gateway/gateway.h"

#include "exchange/upstream_trail.h"
#include "gateway/hop_by_hop.h"

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

/* Fields that are for this hop or that usher writes itself. */
static bool
is_ours(enum header id)
{
    return id == HEADER_HOST || id == HEADER_CONTENT_LENGTH || id == HEADER_EXPECT ||
           hop_is_bound(id);
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
    const struct hop_names names = hop_names_of(fields);
    for (unsigned i = 0; i < fields->n; i++) {
        const struct field *f = &fields->v[i];
        if (!is_ours(f->id) && !is_replaced(g->my->set_headers, f) && !hop_names_has(&names, f))
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
        enum header id = set->v[i].id;
        struct str value = template_eval(set->v[i].value, g->x);
        if (value.n == 0 || !is_safe(value) || id == HEADER_CONTENT_LENGTH ||
            id == HEADER_TRANSFER_ENCODING)
            continue; /* framing is what the body is, whatever the configuration says */
        g->says_close |= id == HEADER_CONNECTION && list_has_token(value, STR("close"));
        h1_write_field(b, set->v[i].name, value);
    }
}

/* A body that is not passed may be left unmentioned: proxy_set_header Content-Length "". */
static bool
has_length(const struct gateway *g)
{
    if (g->body_size > 0 || g->my->set_body)
        return true;
    return g->x->request.framing != FRAMING_NONE && !sets(g, HEADER_CONTENT_LENGTH);
}

static void
write_framing(struct gateway *g, struct buf *b)
{
    if (g->body_chunked) {
        buf_put(b, STR("Transfer-Encoding: chunked\r\n"));
    } else if (has_length(g)) {
        buf_put(b, STR("Content-Length: "));
        buf_u64(b, g->body_size);
        buf_put(b, STR("\r\n"));
    }
}

/* Method and target may be made of variables, so of what a client sent percent-encoded: a blank or
 * a line end in them would be another request (RFC 9112 3). */
static enum verdict
write_request_line(struct gateway *g, struct buf *b)
{
    struct str method = method_of(g), target = g->target.uri;
    if (!h1_is_token(method))
        return fail(g->x, FAULT_BAD_REQUEST, "invalid method for upstream");
    for (size_t i = 0; i < target.n; i++)
        if ((uint8_t)target.p[i] <= ' ' || target.p[i] == 0x7f)
            return fail(g->x, FAULT_BAD_REQUEST, "blank or control character in URI for upstream");
    buf_put(b, method);
    buf_byte(b, ' ');
    buf_put(b, target);
    buf_put(b, g->http_version == VERSION_10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
    return PASS;
}

static enum verdict
write_request(struct gateway *g)
{
    struct buf *b = &g->request_head;
    buf_init(b, &g->x->arena, REQUEST_FIRST, 0);
    enum verdict v = write_request_line(g, b);
    if (v != PASS)
        return v;
    if (!sets(g, HEADER_HOST))
        h1_write_field(b, STR("Host"), g->target.host);
    if (g->http_version == VERSION_10 && !sets(g, HEADER_CONNECTION)) {
        buf_put(b, STR("Connection: close\r\n"));
        g->says_close = true;
    }
    write_set_headers(g, b);
    write_framing(g, b);
    if (g->my->pass_request_headers)
        write_client_fields(g, b);
    buf_put(b, STR("\r\n"));
    return PASS;
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
    uint64_t before = g->sent_before = conn_of(g)->bytes_written;
    int r = conn_writev(conn_of(g), iov, g->body_bytes.n ? 2 : 1, g->my->send_timeout.ms);
    return count_sent(g, before, r);
}

static int
send_file(struct gateway *g, const struct chunk *chunk)
{
    off_t offset = chunk->file_offset;
    return conn_sendfile(conn_of(g), chunk->file, &offset, chunk->file_size,
                         g->my->send_timeout.ms);
}

static int
send_bytes(struct gateway *g, struct str bytes)
{
    char size_line[H1_CHUNK_HEAD_MAX];
    struct iovec iov[3] = { { size_line, 0 }, { (void *)bytes.p, bytes.n }, { (void *)"\r\n", 2 } };
    if (!g->body_chunked)
        return conn_writev(conn_of(g), iov + 1, 1, g->my->send_timeout.ms);
    iov[0].iov_len = h1_chunk_head(bytes.n, size_line);
    return conn_writev(conn_of(g), iov, 3, g->my->send_timeout.ms);
}

static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    uint64_t before = conn_of(g)->bytes_written;
    return count_sent(g, before,
                      chunk->file >= 0 ? send_file(g, chunk) : send_bytes(g, chunk->bytes));
}

/* The client's trailers go along with the body that they follow. */
static int
end_body(struct gateway *g)
{
    const struct fields *from = &g->x->request_trailers;
    uint64_t before = conn_of(g)->bytes_written;
    struct fields trailers;
    struct buf b;
    if (!g->body_chunked)
        return 0;
    fields_init(&trailers, &g->x->arena);
    for (unsigned i = 0; i < from->n; i++)
        if (!hop_is_bad_trailer(from->v[i].id))
            fields_push(&trailers, from->v[i].name, from->v[i].value, from->v[i].id);
    buf_init(&b, &g->x->arena, 8, 0);
    h1_write_last_chunk(&b, &trailers);
    return count_sent(g, before, conn_write(conn_of(g), b.p, b.n, g->my->send_timeout.ms));
}

/* --- the response --- */

/* The backend's time begins when it has the whole request: an upload may take as long as it moves
 * (client_body_timeout and send_timeout watch over that). */
static int
await_bytes(struct gateway *g)
{
    uint64_t patience = g->my->read_timeout.ms, deadline = clock_in(patience);
    for (;;) {
        int r = conn_wait_readable(conn_of(g), deadline);
        uint64_t later = g->uploading ? clock_in(patience) : g->moved_ms + patience;
        if (r != -ETIMEDOUT || later <= clock_ms())
            return r;
        deadline = later;
    }
}

/* Room for what comes: heads that were read already leave theirs. */
static size_t
make_room(struct gateway *g, size_t most)
{
    if (g->in == NULL)
        g->in = buffer_take(most > BUFFER_SIZE ? most : BUFFER_SIZE);
    if (g->end == g->in->cap && g->start > 0) {
        memmove(g->in->data, g->in->data + g->start, g->end - g->start);
        g->end -= g->start;
        g->start = 0;
    }
    size_t room = g->in->cap - g->end;
    return room < most ? room : most;
}

/* Bytes of the backend into g->in, which is only held while there are some. > 0, 0 at the end, or
 * -errno. */
static ssize_t
fill(struct gateway *g, size_t most)
{
    struct conn *conn = conn_of(g);
    if (g->start == g->end) {
        g->start = g->end = 0;
        if (!conn_maybe_readable(conn))
            gateway_drop_input(g);
    }
    int r = conn_maybe_readable(conn) ? 0 : await_bytes(g);
    if (r < 0)
        return r;
    size_t room = make_room(g, most);
    ssize_t n = conn_read(conn, g->in->data + g->end, room, clock_in(g->my->read_timeout.ms));
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
    return g->head.keep_alive && !g->says_close && g->head.framing != FRAMING_CLOSE &&
           g->start == g->end && !g->uploading;
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
