/* uwsgi and SCGI towards a backend. Their requests differ in how parameters are written; responses
 * are CGI's, and a connection serves one. */
#include "gateway/cgi_client.h"

#include "base/must.h"
#include "gateway/backend_io.h"
#include "wire/cgi.h"

#include <errno.h>
#include <stdio.h>

enum { REQUEST_FIRST = 2048, FIELDS_MOST = 1000, UWSGI_MOST = 65535, UWSGI_HEAD = 4 };
enum { NETSTRING_HEAD = U64_DIGITS + 1 };

struct sink {
    struct cgi_sink sink; /* first */
    struct buf *b;
    bool bad; /* a value cannot be said */
};

static const struct cgi_settings *
settings_of(const struct gateway *g)
{
    return container_of(g->my, const struct cgi_settings, gateway);
}

static const struct cgi_params *
params_of(const struct gateway *g)
{
    return settings_of(g)->params;
}

/* --- uwsgi: https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html --- */

static void
put_size(struct buf *b, size_t n)
{
    const char bytes[2] = { (char)(uint8_t)n, (char)(uint8_t)(n >> 8) };
    buf_put(b, (struct str){ bytes, sizeof bytes });
}

static void
put_uwsgi(struct cgi_sink *to, struct str name, struct str value)
{
    struct sink *s = (struct sink *)to;
    s->bad |= name.n > UWSGI_MOST || value.n > UWSGI_MOST;
    put_size(s->b, name.n);
    buf_put(s->b, name);
    put_size(s->b, value.n);
    buf_put(s->b, value);
}

static enum verdict
write_uwsgi(struct gateway *g)
{
    const struct cgi_settings *my = settings_of(g);
    struct buf *b = &g->request_head;
    struct sink to = { { put_uwsgi }, b, false };
    buf_init(b, &g->x->arena, REQUEST_FIRST, 0);
    buf_put(b, (struct str){ "\0\0\0\0", UWSGI_HEAD });
    cgi_params_write(g, my->params, &to.sink);
    size_t n = b->n - UWSGI_HEAD;
    if (to.bad || n > UWSGI_MOST)
        return fail(g->x, FAULT_INTERNAL, "uwsgi request is too large: %zu", n);
    b->p[0] = (char)(uint8_t)my->modifier1;
    b->p[1] = (char)(uint8_t)n;
    b->p[2] = (char)(uint8_t)(n >> 8);
    b->p[3] = (char)(uint8_t)my->modifier2;
    return PASS;
}

/* --- SCGI: https://python.ca/scgi/protocol.txt --- */

/* A NUL ends a text there: what has one inside would be two. */
static void
put_scgi(struct cgi_sink *to, struct str name, struct str value)
{
    struct sink *s = (struct sink *)to;
    s->bad |= str_find(name, '\0') >= 0 || str_find(value, '\0') >= 0;
    buf_put(s->b, name);
    buf_byte(s->b, '\0');
    buf_put(s->b, value);
    buf_byte(s->b, '\0');
}

/* The netstring's length is known last: room for it is left, and what of it is not needed is cut
 * off again. */
static enum verdict
write_scgi(struct gateway *g)
{
    struct buf *b = &g->request_head;
    struct sink to = { { put_scgi }, b, false };
    char digits[U64_DIGITS], head[NETSTRING_HEAD + 1];
    buf_init(b, &g->x->arena, REQUEST_FIRST, 0);
    must(buf_room(b, NETSTRING_HEAD));
    b->n = NETSTRING_HEAD;
    put_scgi(&to.sink, STR("CONTENT_LENGTH"), str_of_u64(g->body_size, digits));
    cgi_params_write(g, settings_of(g)->params, &to.sink);
    int n = snprintf(head, sizeof head, "%zu:", b->n - NETSTRING_HEAD);
    buf_byte(b, ',');
    size_t skip = NETSTRING_HEAD - (size_t)n;
    memcpy(b->p + skip, head, (size_t)n);
    b->p += skip;
    b->n -= skip;
    b->cap -= skip;
    return to.bad ? fail(g->x, FAULT_BAD_REQUEST, "NUL in a parameter of an SCGI request") : PASS;
}

/* --- both --- */

static int
send_request(struct gateway *g)
{
    struct iovec iov[2] = { { g->request_head.p, g->request_head.n },
                            { (void *)g->body_bytes.p, g->body_bytes.n } };
    g->why = NULL;
    g->sent_before = backend_conn(g)->sent;
    return backend_writev(g, iov, g->body_bytes.n ? 2 : 1);
}

static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    struct iovec iov = { (void *)chunk->bytes.p, chunk->bytes.n };
    if (chunk->file < 0)
        return backend_writev(g, &iov, 1);
    return backend_sendfile(g, chunk->file, chunk->file_offset, chunk->file_size);
}

static int
end_body(struct gateway *g)
{
    return 0;
}

static int
parse_head(struct gateway *g, size_t size, const char **why)
{
    struct str head = arena_dup(&g->x->arena, str_head(backend_unread(g), size));
    g->start += size;
    fields_init(&g->head.fields, &g->x->arena);
    if (cgi_parse_head_with_line(head, FIELDS_MOST, g->x->request.method, &g->head, why) != H1_DONE)
        return -EPROTO;
    g->left = g->head.content_length;
    g->body_ended =
        g->head.framing == FRAMING_NONE || (g->head.framing == FRAMING_LENGTH && g->left == 0);
    return 0;
}

static int
read_head(struct gateway *g, const char **why)
{
    size_t scanned = 0, size, most = g->my->buffer_size.n;
    for (;;) {
        struct str in = backend_unread(g);
        if (in.n && cgi_find_head_end(in, &scanned, &size) == H1_DONE)
            return size > most ? -EMSGSIZE : parse_head(g, size, why);
        ssize_t n = backend_fill_head(g);
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
}

/* No more than Content-Length says; without one, until the connection ends. */
static int
read_body(struct gateway *g, struct chunk *out)
{
    bool counted = g->head.framing == FRAMING_LENGTH;
    if (g->body_ended)
        return 0;
    if (backend_unread(g).n == 0) {
        ssize_t n = backend_fill(g, BUFFER_SIZE);
        if (n < 0 || (n == 0 && counted))
            return n == 0 ? -EPIPE : (int)n;
        g->body_ended = n == 0;
        if (n == 0)
            return 0;
    }
    out->bytes = backend_unread(g);
    if (counted)
        out->bytes = str_head(out->bytes, (size_t)g->left);
    g->start += out->bytes.n;
    g->left -= counted ? out->bytes.n : 0;
    g->body_ended = out->last = counted && g->left == 0;
    return 1;
}

static bool
may_keep(const struct gateway *g)
{
    return false;
}

#define CGI_CODEC(name_, write, status)                                               \
    {                                                                                 \
        .name = name_, .needs_length = true, .is_cgi = true, .passes_status = status, \
        .params = params_of, .write_request = write, .send_request = send_request,    \
        .send_body = send_body, .end_body = end_body, .read_head = read_head,         \
        .read_body = read_body, .may_keep = may_keep                                  \
    }

const struct client_codec uwsgi_client_codec = CGI_CODEC("uwsgi", write_uwsgi, true);
const struct client_codec scgi_client_codec = CGI_CODEC("SCGI", write_scgi, false);
