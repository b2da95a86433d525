/* Range requests: a part, or several parts as multipart/byteranges, of what allows it
 * (RFC 9110 14). */
#include "http/range.h"
#include "base/random.h"
#include "exchange/feature.h"
#include "http/date.h"

#include <inttypes.h>
#include <stdio.h>

struct settings {
    struct limit {
        bool set;
        unsigned most;
    } limit;
};

static bool
set_max(struct setting *s)
{
    struct settings *my = s->settings;
    uint64_t most;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &most))
        return setting_error(s, 1, "\"max_ranges\" directive invalid number");
    my->limit = (struct limit){ true, (unsigned)most };
    return true;
}

static const struct directive directives[] = {
    { "max_ranges", PLACE(struct settings, limit), IN_HTTP | IN_SERVER | IN_LOCATION,
      .set = set_max, .syntax = "number", .example = "max_ranges 5;",
      .help = "A request for more ranges than that gets the whole; 0 turns ranges off. There is no "
              "limit by default, but ranges that together exceed the whole get the whole." },
    { 0 },
};

/* Several parts: before each its head, and a line at the end. */
struct parts_body {
    struct body body; /* first */
    struct body *inner;
    struct ranges ranges;
    unsigned at;
    bool in_part;
    uint64_t size;  /* of the whole */
    char *head;     /* delimiter and fields, as far as they are the same for all */
    size_t head_n;  /* and then room for SPAN_MAX */
    struct str end; /* the closing line; empty when it is gone */
};

enum { SPAN_MAX = 64 + 4 + 1 }; /* "first-last/size", an empty line, snprintf's NUL */

static size_t
print_span(char *out, struct range r, uint64_t size)
{
    int n = snprintf(out, SPAN_MAX, "%" PRIu64 "-%" PRIu64 "/%" PRIu64, r.from, r.to - 1, size);
    return (size_t)n;
}

static int
next_end(struct parts_body *my, struct chunk *out)
{
    if (my->end.n == 0)
        return 0;
    out->bytes = my->end;
    out->last = true;
    my->end.n = 0;
    return 1;
}

static int
next_head(struct parts_body *my, struct chunk *out)
{
    struct range r = my->ranges.v[my->at++];
    size_t n = my->head_n + print_span(my->head + my->head_n, r, my->size);
    memcpy(my->head + n, "\r\n\r\n", 4);
    out->bytes = (struct str){ my->head, n + 4 };
    my->inner->ops->seek(my->inner, r.from, r.to - r.from);
    my->in_part = true;
    return 1;
}

static int
next(struct body *b, struct chunk *out)
{
    struct parts_body *my = (struct parts_body *)b;
    int r = my->in_part ? body_next(my->inner, out) : 0;
    if (r != 0) {
        out->last = false;
        return r;
    }
    my->in_part = false;
    return my->at < my->ranges.n ? next_head(my, out) : next_end(my, out);
}

static void
close_inner(struct body *b)
{
    body_close(((struct parts_body *)b)->inner);
}

static uint64_t
length_of_parts(const struct parts_body *my)
{
    char span[SPAN_MAX];
    uint64_t sum = my->end.n;
    for (unsigned i = 0; i < my->ranges.n; i++) {
        struct range r = my->ranges.v[i];
        sum += my->head_n + print_span(span, r, my->size) + 4 + (r.to - r.from);
    }
    return sum;
}

static void
make_parts(struct exchange *x, struct ranges ranges)
{
    static const struct body_ops ops = { .next = next, .close = close_inner };
    struct response *r = &x->response;
    struct parts_body *my = arena_new(&x->arena, struct parts_body);
    struct str boundary = arena_printf(&x->arena, "%020" PRIu64, random_u64()), head;
    struct str type = r->content_type.n
                          ? arena_join(&x->arena, STR("\r\nContent-Type: "), r->content_type)
                          : STR("");
    head = arena_printf(&x->arena, "\r\n--" STR_FMT STR_FMT "\r\nContent-Range: bytes ",
                        STR_ARG(boundary), STR_ARG(type));
    *my = (struct parts_body){ { &ops }, r->body, ranges };
    my->size = (uint64_t)r->content_length;
    my->head = arena_text(&x->arena, head.n + SPAN_MAX);
    my->head_n = head.n;
    memcpy(my->head, head.p, head.n);
    my->end = arena_printf(&x->arena, "\r\n--" STR_FMT "--\r\n", STR_ARG(boundary));
    r->content_length = (int64_t)length_of_parts(my);
    r->content_type = arena_join(&x->arena, STR("multipart/byteranges; boundary="), boundary);
    r->body = &my->body;
}

static void
make_part(struct exchange *x, struct range range)
{
    struct response *r = &x->response;
    char *text = arena_text(&x->arena, 6 + SPAN_MAX);
    memcpy(text, "bytes ", 6);
    size_t n = 6 + print_span(text + 6, range, (uint64_t)r->content_length);
    fields_add_known(&r->fields, HEADER_CONTENT_RANGE, (struct str){ text, n });
    r->content_length = (int64_t)(range.to - range.from);
    r->body = body_cut(&x->arena, r->body, range.from, range.to - range.from);
}

/* 416 says how long the whole is (RFC 9110 15.5.17). */
static void
refuse(struct exchange *x, int64_t size)
{
    response_refuse(x, 416);
    fields_add_known(&x->response.fields, HEADER_CONTENT_RANGE,
                     arena_printf(&x->arena, "bytes */%" PRIi64, size));
}

/* Is it still the representation that the client has a part of (RFC 9110 13.1.5)? */
static bool
is_the_same(const struct exchange *x)
{
    struct str validator = fields_value(&x->request.fields, HEADER_IF_RANGE);
    if (validator.p == NULL)
        return true;
    if (str_ends(validator, STR("\"")))
        return str_eq(validator, x->response.etag) && !str_starts(validator, STR("W/"));
    return x->response.last_modified >= 0 &&
           date_parse_http(validator) == x->response.last_modified;
}

static void
cut(struct exchange *x, struct str asked, unsigned most)
{
    struct response *r = &x->response;
    struct ranges ranges;
    switch (range_parse(asked, (uint64_t)r->content_length, most, &x->arena, &ranges)) {
    case RANGE_NONE:
        break;
    case RANGE_UNSATISFIABLE:
        refuse(x, r->content_length);
        return;
    case RANGE_PARTIAL:
        if (ranges.n > 1 && r->body->ops->seek == NULL)
            break; /* what only goes forward cannot be had in any order */
        r->status = 206;
        if (ranges.n > 1)
            make_parts(x, ranges);
        else
            make_part(x, ranges.v[0]);
        return;
    }
    fields_add_known(&r->fields, HEADER_ACCEPT_RANGES, STR("bytes"));
}

static void
judge(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct response *r = &x->response;
    unsigned most = my->limit.set ? my->limit.most : UINT32_MAX;
    if (!r->ranges_allowed || r->status != 200 || r->content_length < 0 || most == 0)
        return;
    struct str asked = fields_value(&x->request.fields, HEADER_RANGE);
    if (asked.p && !x->refused && is_the_same(x))
        cut(x, asked, most);
    else
        fields_add_known(&r->fields, HEADER_ACCEPT_RANGES, STR("bytes"));
}

const struct feature range_ = {
    .name = "range",
    .phase = PHASE_NONE,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .on_response = judge,
};
