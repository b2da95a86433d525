/* A response head that we take must be read the same when we write it again. */
#include "target.h"
#include "wire/h1.h"

struct reading {
    struct arena arena;
    struct response_head head;
    enum h1_outcome outcome;
};

static void
read_head(struct reading *r, struct str text, enum method to)
{
    static const struct h1_limits limits = { .line = 1 << 20, .fields = 64 };
    const char *why = NULL;
    *r = (struct reading){ .outcome = H1_MORE };
    arena_init(&r->arena, 0);
    fields_init(&r->head.fields, &r->arena);
    r->outcome = h1_parse_response(text, &limits, to, &r->head, &why);
    must(r->outcome == H1_DONE || why != NULL);
}

static void
check_again(struct reading *first, enum method to)
{
    struct reading second;
    struct buf b;
    buf_init(&b, &first->arena, 0, 0);
    h1_write_status_line(&b, first->head.status, first->head.reason);
    h1_write_fields(&b, &first->head.fields);
    buf_put(&b, STR("\r\n"));
    read_head(&second, buf_str(&b), to);
    must(second.outcome == H1_DONE);
    must(second.head.status == first->head.status);
    must(second.head.framing == first->head.framing);
    must(second.head.content_length == first->head.content_length);
    must(second.head.fields.n == first->head.fields.n);
    arena_fini(&second.arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum method methods[] = { METHOD_GET, METHOD_HEAD, METHOD_CONNECT };
    if (size < 1)
        return 0;
    enum method to = methods[data[0] % 3];
    struct reading first;
    read_head(&first, (struct str){ (const char *)data + 1, size - 1 }, to);
    if (first.outcome == H1_DONE)
        check_again(&first, to);
    arena_fini(&first.arena);
    return 0;
}
