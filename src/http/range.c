/* Range requests and entity tags (RFC 9110 8.8.3, 13.1, 14.1).
 *
 * RFC 9110 14.2 leaves it open whether a malformed Range is ignored or refused; nginx refuses, and
 * so do we. */
#include "http/range.h"

#include "http/field.h"

static void
skip_blanks(struct str *s)
{
    while (s->n && s->p[0] == ' ')
        *s = str_skip(*s, 1);
}

/* Digits, and the blanks around them; *present tells whether there are any. */
static bool
take_position(struct str *s, uint64_t *out, bool *present)
{
    size_t n = 0;
    skip_blanks(s);
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    *present = n > 0;
    if (n && !str_to_u64(str_head(*s, n), INT64_MAX, out))
        return false;
    *s = str_skip(*s, n);
    skip_blanks(s);
    return true;
}

/* One range-spec as it is written, or false. An empty or unsatisfiable one has from >= to. */
static bool
take_range(struct str *s, uint64_t size, struct range *r)
{
    uint64_t first = 0, last = 0;
    bool has_first, has_last;
    if (!take_position(s, &first, &has_first) || s->n == 0 || s->p[0] != '-')
        return false;
    *s = str_skip(*s, 1);
    if (!take_position(s, &last, &has_last) || (!has_first && !has_last))
        return false;
    if (!has_first) /* the last so many bytes */
        *r = (struct range){ last < size ? size - last : 0, size };
    else
        *r = (struct range){ first, has_last && last < size ? last + 1 : size };
    if (!has_first && last == 0)
        r->from = size;
    if (has_first && has_last && last < first)
        r->to = r->from;
    return true;
}

enum range_outcome
range_parse(struct str value, uint64_t size, unsigned most, struct arena *a, struct ranges *out)
{
    uint64_t sum = 0;
    bool more = true;
    *out = (struct ranges){ NULL, 0 };
    if (most == 0 || value.n < 7 || !str_starts_nocase(value, STR("bytes=")))
        return RANGE_NONE;
    for (value = str_skip(value, 6); more; value = str_skip(value, more)) {
        struct range r;
        if (!take_range(&value, size, &r) || (value.n && value.p[0] != ','))
            return RANGE_UNSATISFIABLE;
        more = value.n > 0;
        if (r.from >= r.to && r.from == 0)
            return RANGE_NONE; /* of nothing: that is the whole */
        if (r.from >= r.to)
            continue;
        if (out->n == most)
            return RANGE_NONE;
        if (out->n == 0 || (out->n >= 8 && (out->n & (out->n - 1)) == 0)) { /* 0, 8, 16, 32 … */
            struct range *v = arena_array(a, struct range, out->n ? 2 * out->n : 8);
            if (out->n)
                memcpy(v, out->v, out->n * sizeof *v);
            out->v = v;
        }
        out->v[out->n++] = r;
        if (r.to - r.from > size - sum) /* RFC 9110 17.15: more than the whole is an attack */
            return RANGE_NONE;
        sum += r.to - r.from;
    }
    return out->n ? RANGE_PARTIAL : RANGE_UNSATISFIABLE;
}

/* Without "W/". */
static struct str
opaque(struct str tag)
{
    return str_starts(tag, STR("W/")) ? str_skip(tag, 2) : tag;
}

bool
etag_list_has(struct str list, struct str etag, bool weak)
{
    struct str element;
    if (str_eq(list, STR("*")))
        return etag.n > 0;
    while (list_next(&list, &element)) {
        bool strong_pair = opaque(element).n == element.n && opaque(etag).n == etag.n;
        if ((weak || strong_pair) && str_eq(opaque(element), opaque(etag)))
            return true; /* RFC 9110 8.8.3.2 */
    }
    return false;
}
