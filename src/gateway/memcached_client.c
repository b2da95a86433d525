/* memcached as a backend. A missing value is a 404 of our own; the connection goes on when what
 * follows a value came with its end. */
#include "gateway/memcached_client.h"

#include "exchange/files/types.h"
#include "gateway/backend_io.h"
#include "wire/memcached.h"

#include <errno.h>

struct memcached_client {
    bool whole; /* the answer was read to its end, and nothing else came */
};

static const struct memcached_settings *
settings_of(const struct gateway *g)
{
    return container_of(g->my, const struct memcached_settings, gateway);
}

static enum verdict
write_request(struct gateway *g)
{
    struct buf *b = &g->request_head;
    g->own = arena_new(&g->x->arena, struct memcached_client);
    buf_init(b, &g->x->arena, g->target.uri.n + 8, 0);
    buf_put(b, STR("get "));
    buf_put(b, g->target.uri);
    buf_put(b, STR("\r\n"));
    return PASS;
}

static int
send_request(struct gateway *g)
{
    struct iovec iov = { g->request_head.p, g->request_head.n };
    *(struct memcached_client *)g->own = (struct memcached_client){ false };
    g->why = NULL;
    g->sent_before = backend_conn(g)->sent;
    return backend_writev(g, &iov, 1);
}

/* No request has a body. */
static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    return 0;
}

static int
end_body(struct gateway *g)
{
    return 0;
}

/* Is the end here already? It is not waited for. */
static void
take_trailer(struct gateway *g)
{
    struct memcached_client *c = g->own;
    struct str in = backend_unread(g);
    c->whole = str_eq(in, MEMCACHED_TRAILER);
    if (!c->whole && !str_starts(MEMCACHED_TRAILER, in))
        exchange_log(g->x, LEVEL_ERROR, 0, "memcached sent invalid trailer");
    g->start = g->end;
}

static void
take_value(struct gateway *g, const struct memcached_value *value)
{
    struct response_head *head = &g->head;
    struct arena *a = &g->x->arena;
    unsigned gzip = settings_of(g)->gzip_flag;
    head->status = 200;
    head->framing = g->x->request.method == METHOD_HEAD ? FRAMING_NONE : FRAMING_LENGTH;
    head->content_length = g->left = value->size;
    fields_add_known(&head->fields, HEADER_CONTENT_LENGTH,
                     arena_printf(a, "%llu", (unsigned long long)value->size));
    fields_add_known(&head->fields, HEADER_CONTENT_TYPE, types_of(g->x, g->x->uri));
    if (value->flags & gzip)
        fields_add_known(&head->fields, HEADER_CONTENT_ENCODING, STR("gzip"));
    g->body_ended = head->framing == FRAMING_NONE || value->size == 0;
    if (g->body_ended) /* of what has a body, ranges are cut */
        fields_add_known(&head->fields, HEADER_ACCEPT_RANGES, STR("bytes"));
    if (value->size == 0)
        take_trailer(g);
}

static void
take_miss(struct gateway *g)
{
    exchange_log(g->x, LEVEL_INFO, 0, "key: \"" STR_FMT "\" was not found by memcached",
                 STR_ARG(g->target.uri));
    g->head.status = 404;
    g->head.framing = FRAMING_NONE;
    g->body_ended = true;
    ((struct memcached_client *)g->own)->whole = backend_unread(g).n == 0;
}

static int
take_line(struct gateway *g, struct str line, const char **why)
{
    struct memcached_value value;
    g->start += line.n;
    g->head = (struct response_head){ .version = VERSION_11, .keep_alive = true };
    fields_init(&g->head.fields, &g->x->arena);
    switch (memcached_read_line(line, g->target.uri, &value)) {
    case MEMCACHED_VALUE:
        take_value(g, &value);
        return 0;
    case MEMCACHED_MISS:
        take_miss(g);
        return 0;
    case MEMCACHED_BAD:
        break;
    }
    *why = value.why;
    return -EPROTO;
}

static int
read_head(struct gateway *g, const char **why)
{
    size_t most = g->my->buffer_size.n;
    for (;;) {
        struct str in = backend_unread(g);
        ptrdiff_t feed = str_find(in, '\n');
        if (feed >= 0)
            return (size_t)feed >= most ? -EMSGSIZE
                                        : take_line(g, str_head(in, (size_t)feed + 1), why);
        ssize_t n = backend_fill_head(g);
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
}

static int
read_body(struct gateway *g, struct chunk *out)
{
    if (g->body_ended)
        return 0;
    if (backend_unread(g).n == 0) {
        ssize_t n = backend_fill(g, BUFFER_SIZE);
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
    out->bytes = str_head(backend_unread(g), (size_t)g->left);
    g->start += out->bytes.n;
    g->left -= out->bytes.n;
    g->body_ended = out->last = g->left == 0;
    if (g->body_ended)
        take_trailer(g);
    return 1;
}

static bool
may_keep(const struct gateway *g)
{
    return ((const struct memcached_client *)g->own)->whole;
}

const struct client_codec memcached_client_codec = {
    .name = "memcached",
    .own_missing = true,
    .write_request = write_request,
    .send_request = send_request,
    .send_body = send_body,
    .end_body = end_body,
    .read_head = read_head,
    .read_body = read_body,
    .may_keep = may_keep,
};
