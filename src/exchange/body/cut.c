/* A part of a body that only goes forward. */
#include "exchange/body/body.h"

struct cut_body {
    struct body body; /* first */
    struct body *inner;
    uint64_t skip, left;
};

static void
drop_front(struct chunk *c, size_t n)
{
    if (c->file >= 0) {
        c->file_offset += (off_t)n;
        c->file_size -= n;
    } else {
        c->bytes = str_skip(c->bytes, n);
    }
}

static void
drop_back(struct chunk *c, uint64_t most)
{
    if (chunk_size(c) <= most)
        return;
    if (c->file >= 0)
        c->file_size = (size_t)most;
    else
        c->bytes.n = (size_t)most;
}

/* What is beyond the part is never pulled. */
static int
next(struct body *b, struct chunk *out)
{
    struct cut_body *my = (struct cut_body *)b;
    int r = 0;
    while (my->left > 0 && (r = body_next(my->inner, out)) > 0) {
        size_t n = chunk_size(out);
        if (n <= my->skip) {
            my->skip -= n;
            continue;
        }
        drop_front(out, (size_t)my->skip);
        drop_back(out, my->left);
        my->skip = 0;
        my->left -= chunk_size(out);
        out->last = my->left == 0;
        return 1;
    }
    return r < 0 ? r : 0;
}

static bool
ready(struct body *b)
{
    struct cut_body *my = (struct cut_body *)b;
    return my->left == 0 || (my->skip == 0 && body_ready(my->inner));
}

static void
close_inner(struct body *b)
{
    body_close(((struct cut_body *)b)->inner);
}

struct body *
body_cut(struct arena *a, struct body *b, uint64_t from, uint64_t size)
{
    static const struct body_ops ops = { .next = next, .ready = ready, .close = close_inner };
    if (b->ops->seek) {
        b->ops->seek(b, from, size);
        return b;
    }
    struct cut_body *my = arena_new(a, struct cut_body);
    *my = (struct cut_body){ { &ops }, b, from, size };
    return &my->body;
}
