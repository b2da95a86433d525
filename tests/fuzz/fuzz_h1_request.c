/* A request head that we take must be read the same when we write it again. */
#include "target.h"
#include "wire/h1.h"

#include <stdlib.h>

struct reading {
    struct arena arena;
    struct request_head head;
    enum h1_outcome outcome;
};

static void
read_head(struct reading *r, struct str text, const struct h1_limits *limits)
{
    enum fault fault = FAULT_NONE;
    const char *why = NULL;
    *r = (struct reading){ .outcome = H1_MORE };
    arena_init(&r->arena, 0);
    fields_init(&r->head.fields, &r->arena);
    r->outcome = h1_parse_request(text, limits, &r->head, &fault, &why);
    must(r->outcome == H1_DONE || (r->outcome == H1_BAD && fault != FAULT_NONE && why != NULL));
}

static struct str
write_head(const struct request_head *head, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 0, 0);
    buf_put(&b, head->method_name);
    buf_byte(&b, ' ');
    buf_put(&b, head->target);
    buf_put(&b, head->version == VERSION_10 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n"));
    h1_write_fields(&b, &head->fields);
    buf_put(&b, STR("\r\n"));
    return buf_str(&b);
}

static void
compare(const struct request_head *one, const struct request_head *two)
{
    must(one->method == two->method && one->version == two->version);
    must(one->framing == two->framing && one->content_length == two->content_length);
    must(one->keep_alive == two->keep_alive && one->upgrade == two->upgrade);
    must(str_eq(one->path, two->path) && str_eq(one->args, two->args));
    must(one->fields.n == two->fields.n);
    for (unsigned i = 0; i < one->fields.n; i++)
        must(str_eq(one->fields.v[i].name, two->fields.v[i].name) &&
             str_eq(one->fields.v[i].value, two->fields.v[i].value));
}

/* The end must be the same for a peer that trickles; returns the head's size, 0 when there is none.
 */
static size_t
find_end(struct str in)
{
    size_t scanned = 0, whole = 0, bytewise = 0;
    if (h1_find_head_end(in, &scanned, &whole) != H1_DONE)
        return 0;
    scanned = 0;
    for (size_t n = 0; n <= whole && bytewise == 0; n++)
        h1_find_head_end(str_head(in, n), &scanned, &bytewise);
    must(whole == bytewise);
    return whole;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h1_limits limits = { .line = 512, .fields = 16 };
    if (size < 1)
        return 0;
    limits.underscores = data[0] & 1;
    limits.ignore_invalid = data[0] & 2;
    struct str in = { (const char *)data + 1, size - 1 };
    size_t n = find_end(in);
    struct reading first, second;
    read_head(&first, str_head(in, n ? n : in.n), &limits);
    (void)h1_first_line(in);
    if (first.outcome == H1_DONE) {
        struct h1_limits loose = { .line = SIZE_MAX, .underscores = true };
        read_head(&second, write_head(&first.head, &first.arena), &loose);
        must(second.outcome == H1_DONE);
        compare(&first.head, &second.head);
        arena_fini(&second.arena);
    }
    arena_fini(&first.arena);
    return 0;
}
