/* What filters that change bodies have in common. */
#include "exchange/body/filter.h"

#include "net/buffer.h"

#include <errno.h>
#include <unistd.h>

/* W/"x" of "x"; what is weak stays, and what is no tag goes. */
static struct str
weaken(struct exchange *x, struct str etag)
{
    if (etag.n >= 2 && etag.p[0] == 'W' && etag.p[1] == '/')
        return etag;
    return etag.n && etag.p[0] == '"' ? arena_join(&x->arena, STR("W/"), etag) : STR_NONE;
}

/* A backend's stands among the fields, our own apart. */
static void
weaken_etag(struct exchange *x)
{
    struct response *r = &x->response;
    struct field *f = fields_find(&r->fields, HEADER_ETAG);
    if (r->etag.n)
        r->etag = weaken(x, r->etag);
    struct str weak = f ? weaken(x, f->value) : STR_NONE;
    if (weak.n)
        f->value = weak;
    else
        fields_remove(&r->fields, HEADER_ETAG);
}

void
body_filter_head(struct exchange *x, unsigned what)
{
    struct response *r = &x->response;
    r->content_length = -1;
    r->ranges_allowed = false;
    if (what & BODY_LOSES_VALIDATORS) {
        r->etag = STR_NONE;
        r->last_modified = -1;
        fields_remove(&r->fields, HEADER_ETAG);
        fields_remove(&r->fields, HEADER_LAST_MODIFIED);
    }
    if (what & BODY_WEAKENS_ETAG)
        weaken_etag(x);
    if (what & BODY_LOSES_RANGES)
        fields_remove(&r->fields, HEADER_ACCEPT_RANGES);
}

struct memory_body {
    struct body body; /* first */
    struct body *inner;
    struct chunk file; /* what is left to read of it; file_size 0: nothing */
    struct buffer *buffer;
};

static int
read_piece(struct memory_body *my, struct chunk *out)
{
    struct chunk *from = &my->file;
    if (my->buffer == NULL)
        my->buffer = buffer_take_small();
    size_t most = from->file_size < BUFFER_SMALL ? from->file_size : BUFFER_SMALL;
    ssize_t n = pread(from->file, my->buffer->data, most, from->file_offset);
    if (n <= 0)
        return -EIO;
    from->file_offset += n;
    from->file_size -= (size_t)n;
    *out = (struct chunk){ { my->buffer->data, (size_t)n }, .file = -1 };
    out->last = from->last && from->file_size == 0;
    return 1;
}

/* The buffer is let go before anything waits. */
static int
next_in_memory(struct body *b, struct chunk *out)
{
    struct memory_body *my = (struct memory_body *)b;
    if (my->file.file_size)
        return read_piece(my, out);
    buffer_put(my->buffer);
    my->buffer = NULL;
    int r = body_next(my->inner, out);
    if (r <= 0 || out->file < 0)
        return r;
    my->file = *out;
    return read_piece(my, out);
}

static bool
memory_is_ready(struct body *b)
{
    struct memory_body *my = (struct memory_body *)b;
    return my->file.file_size || body_ready(my->inner);
}

static void
close_memory(struct body *b)
{
    struct memory_body *my = (struct memory_body *)b;
    buffer_put(my->buffer);
    my->buffer = NULL;
    body_close(my->inner);
}

struct body *
body_in_memory(struct arena *a, struct body *b)
{
    static const struct body_ops ops = { .next = next_in_memory,
                                         .ready = memory_is_ready,
                                         .close = close_memory };
    struct memory_body *my = arena_new(a, struct memory_body);
    *my = (struct memory_body){ { &ops }, b };
    return &my->body;
}
