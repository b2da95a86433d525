/* Printing of values: no printf, as every log line needs several. */
#include "exchange/values/print.h"

static char *
digits_before(char *end, uint64_t n)
{
    do {
        *--end = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return end;
}

static struct str
keep(struct exchange *x, const char *from, const char *to)
{
    size_t n = (size_t)(to - from);
    char *text = arena_text(&x->arena, n);
    memcpy(text, from, n);
    return (struct str){ text, n };
}

struct str
print_u64(struct exchange *x, uint64_t n)
{
    static const char digits[] = "0123456789";
    char text[20], *end = text + sizeof text;
    if (n < 10)
        return (struct str){ digits + n, 1 };
    return keep(x, digits_before(end, n), end);
}

struct str
print_seconds(struct exchange *x, uint64_t us)
{
    char text[32], *end = text + sizeof text;
    uint64_t ms = us / 1000;
    if (ms == 0)
        return STR("0.000");
    char *p =
        digits_before(end, ms % 1000 + 1000); /* the 1 keeps the zeros and becomes the point */
    *p = '.';
    return keep(x, digits_before(p, ms / 1000), end);
}

struct str
print_hex(struct exchange *x, const unsigned char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_text(&x->arena, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[p[i] >> 4];
        text[2 * i + 1] = digits[p[i] & 15];
    }
    return (struct str){ text, 2 * n };
}

static bool
has_another(const struct fields *f, const struct field *first)
{
    for (const struct field *o = first + 1; o < f->v + f->n; o++)
        if (o->id == first->id && str_eq_nocase(o->name, first->name))
            return true;
    return false;
}

bool
print_fields(struct exchange *x, const struct fields *f, struct str underscored, struct str *out)
{
    struct field *first = fields_find_variable(f, underscored);
    if (first == NULL)
        return false;
    struct str separator = first->id == HEADER_COOKIE ? STR("; ") : STR(", ");
    *out =
        has_another(f, first) ? fields_joined(f, first->name, separator, &x->arena) : first->value;
    if (out->p == NULL)
        *out = STR("");
    return true;
}
