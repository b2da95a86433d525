/* A chunked body is the same in one piece and in many, with its trailers kept or dropped. */
#include "target.h"
#include "wire/h1.h"

struct reading {
    struct arena arena;
    struct fields trailers;
    struct buf body;
    size_t consumed;
    enum h1_outcome outcome;
};

static void
read_body(struct reading *r, struct str text, size_t step, bool keep_trailers)
{
    struct h1_chunked c;
    *r = (struct reading){ .outcome = H1_MORE };
    arena_init(&r->arena, 0);
    fields_init(&r->trailers, &r->arena);
    buf_init(&r->body, &r->arena, 0, 0);
    h1_chunked_init(&c, keep_trailers ? &r->trailers : NULL);
    for (size_t at = 0; at < text.n && r->outcome == H1_MORE; at += step) {
        struct str in = str_head(str_skip(text, at), step), data;
        do {
            r->outcome = h1_chunked_next(&c, &in, &data);
            buf_put(&r->body, data);
        } while (r->outcome == H1_MORE && in.n);
        r->consumed = (size_t)(in.p - text.p);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole, pieces;
    if (size < 1)
        return 0;
    struct str in = { (const char *)data + 1, size - 1 };
    read_body(&whole, in, in.n ? in.n : 1, true);
    read_body(&pieces, in, 1 + data[0] % 16, data[0] & 128);
    must(whole.outcome == pieces.outcome && whole.consumed == pieces.consumed);
    must(str_eq(buf_str(&whole.body), buf_str(&pieces.body)));
    arena_fini(&whole.arena);
    arena_fini(&pieces.arena);
    return 0;
}
