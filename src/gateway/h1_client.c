/* HTTP/1 towards a backend: the request as nginx would send it, the response strictly read (RFC
 * 9112). */
#include "gateway/gateway.h"

#include "gateway/backend_io.h"
#include "gateway/hop_by_hop.h"
#include "gateway/request_fields.h"

#include <errno.h>

enum { REQUEST_FIRST = 1024 };

/* --- the request --- */

static void
write_client_fields(struct gateway *g, struct buf *b)
{
    const struct fields *fields = &g->x->request.fields;
    const struct hop_names names = hop_names_of(fields);
    for (unsigned i = 0; i < fields->n; i++) {
        const struct field *f = &fields->v[i];
        if (request_passes(g, &names, f))
            h1_write_field(b, f->name, f->value);
    }
}

static void
write_set_headers(struct gateway *g, struct buf *b)
{
    const struct set_headers *set = g->my->set_headers;
    for (unsigned i = 0; set && i < set->n; i++) {
        enum header id = set->v[i].id;
        struct str value = request_value(g, &set->v[i]);
        if (value.n == 0)
            continue;
        g->says_close |= id == HEADER_CONNECTION && list_has_token(value, STR("close"));
        h1_write_field(b, set->v[i].name, value);
    }
}

static void
write_framing(struct gateway *g, struct buf *b)
{
    if (g->body_chunked) {
        buf_put(b, STR("Transfer-Encoding: chunked\r\n"));
    } else if (request_has_length(g)) {
        buf_put(b, STR("Content-Length: "));
        buf_u64(b, g->body_size);
        buf_put(b, STR("\r\n"));
    }
}

static void
write_request_line(struct gateway *g, struct str method, struct buf *b)
{
    buf_put(b, method);
    buf_byte(b, ' ');
    buf_put(b, g->target.uri);
    buf_put(b, g->http_version == VERSION_10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
}

static enum verdict
write_request(struct gateway *g)
{
    struct buf *b = &g->request_head;
    struct str method = request_method(g);
    enum verdict v = request_check_line(g, method, g->target.uri);
    if (v != PASS)
        return v;
    buf_init(b, &g->x->arena, REQUEST_FIRST, 0);
    write_request_line(g, method, b);
    if (!request_sets(g, HEADER_HOST))
        h1_write_field(b, STR("Host"), g->target.host);
    if (g->http_version == VERSION_10 && !request_sets(g, HEADER_CONNECTION)) {
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
send_request(struct gateway *g)
{
    struct iovec iov[2] = { { g->request_head.p, g->request_head.n },
                            { (void *)g->body_bytes.p, g->body_bytes.n } };
    g->sent_before = backend_conn(g)->sent;
    return backend_writev(g, iov, g->body_bytes.n ? 2 : 1);
}

static int
send_bytes(struct gateway *g, struct str bytes)
{
    char size_line[H1_CHUNK_HEAD_MAX];
    struct iovec iov[3] = { { size_line, 0 }, { (void *)bytes.p, bytes.n }, { (void *)"\r\n", 2 } };
    if (!g->body_chunked)
        return backend_writev(g, iov + 1, 1);
    iov[0].iov_len = h1_chunk_head(bytes.n, size_line);
    return backend_writev(g, iov, 3);
}

static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    if (chunk->file < 0)
        return send_bytes(g, chunk->bytes);
    return backend_sendfile(g, chunk->file, chunk->file_offset, chunk->file_size);
}

/* The client's trailers go along with the body that they follow. */
static int
end_body(struct gateway *g)
{
    const struct fields *from = &g->x->request_trailers;
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
    struct iovec iov = { b.p, b.n };
    return backend_writev(g, &iov, 1);
}

/* --- the response --- */

/* The head lives in the arena, so that the buffer is free for the body. */
static int
parse_head(struct gateway *g, size_t size, const char **why)
{
    struct exchange *x = g->x;
    const struct h1_limits limits = {
        .line = size, .fields = 1000, .underscores = true, .ignore_invalid = false
    };
    struct str head = arena_dup(&x->arena, str_head(backend_unread(g), size));
    g->start += size;
    fields_init(&g->head.fields, &x->arena);
    enum method method = g->my->method ? method_id(request_method(g)) : x->request.method;
    if (h1_parse_response(head, &limits, method, &g->head, why) != H1_DONE)
        return -EPROTO;
    g->left = g->head.content_length;
    g->body_ended =
        g->head.framing == FRAMING_NONE || (g->head.framing == FRAMING_LENGTH && g->left == 0);
    if (g->head.framing == FRAMING_CHUNKED) {
        fields_init(&g->trailers, &x->arena);
        g->chunked = arena_raw(&x->arena, sizeof *g->chunked);
        h1_chunked_init(g->chunked, &g->trailers);
    }
    return 0;
}

static int
read_head(struct gateway *g, const char **why)
{
    size_t scanned = 0, size, most = g->my->buffer_size.n;
    for (;;) {
        struct str in = backend_unread(g);
        if (in.n && h1_find_head_end(in, &scanned, &size) == H1_DONE)
            return size > most ? -EMSGSIZE : parse_head(g, size, why);
        ssize_t n = backend_fill_head(g);
        if (n == 0)
            return in.n ? -EPROTO : -EPIPE;
        if (n < 0)
            return (int)n;
    }
}

static int
next_of_length(struct gateway *g, struct chunk *out)
{
    if (backend_unread(g).n == 0) {
        ssize_t n = backend_fill(
            g, BUFFER_SIZE); /* beyond the end too: a short read proves that nothing follows */
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
    struct str in = backend_unread(g);
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
        struct str in = backend_unread(g), data;
        char *to = g->in ? g->in->data + g->start : NULL;
        out->bytes = (struct str){ to, 0 };
        while (in.n && !g->body_ended) {
            enum h1_outcome outcome = h1_chunked_next(g->chunked, &in, &data);
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
        ssize_t n = backend_fill(g, BUFFER_SIZE);
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
}

/* The end of the connection is the end of the body. */
static int
next_until_close(struct gateway *g, struct chunk *out)
{
    if (backend_unread(g).n == 0) {
        ssize_t n = backend_fill(g, BUFFER_SIZE);
        g->body_ended = n == 0;
        if (n <= 0)
            return (int)n;
    }
    out->bytes = backend_unread(g);
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
