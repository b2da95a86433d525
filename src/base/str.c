/* Views of bytes: comparison, search, numbers, hashing. */
#include "base/str.h"

#include "base/must.h"
#include "base/random.h"

bool
str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (byte_lower(a.p[i]) != byte_lower(b.p[i]))
            return false;
    return true;
}

bool
str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_head(s, prefix.n), prefix);
}

ptrdiff_t
str_find(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t
str_find_str(struct str s, struct str needle)
{
    if (s.n == 0 || needle.n == 0)
        return needle.n == 0 ? 0 : -1;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

ptrdiff_t
str_find_str_nocase(struct str s, struct str needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (str_eq_nocase(str_head(str_skip(s, i), needle.n), needle))
            return (ptrdiff_t)i;
    return -1;
}

int
str_compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order == 0)
        return a.n < b.n ? -1 : a.n > b.n;
    return order < 0 ? -1 : 1;
}

struct str
str_trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

struct str
str_cut(struct str *rest, char separator)
{
    ptrdiff_t at = str_find(*rest, separator);
    struct str head = *rest;
    if (at < 0) {
        *rest = STR_NONE;
        return head;
    }
    *rest = str_skip(*rest, (size_t)at + 1);
    return str_head(head, (size_t)at);
}

bool
str_is_among(struct str word, struct str list)
{
    while (list.p)
        if (str_eq(str_cut(&list, ' '), word))
            return true;
    return false;
}

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = byte_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static bool
parse_u64(struct str s, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)digit_value(s.p[i]);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return value <= max;
}

struct str
str_of_u64(uint64_t value, char room[U64_DIGITS])
{
    char *end = room + U64_DIGITS, *p = end;
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return str_between(p, end);
}

bool
str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    return parse_u64(s, 10, max, out);
}

bool
str_hex_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    return parse_u64(s, 16, max, out);
}

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Sets bit 5 of each byte that is an ASCII capital: lower case, eight bytes at a time. */
static inline uint64_t
lower_word(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = ones << 7;
    uint64_t ascii = ~w & high, low = w & ~high;
    uint64_t at_least_a = low + (0x80 - 'A') * ones, above_z = low + (0x80 - 'Z' - 1) * ones;
    return w | ((at_least_a & ~above_z & ascii) >> 2);
}

static inline uint64_t
hash_bytes(struct str s, bool lower)
{
    uint64_t h = mix(random_seed(), s.n);
    while (s.n) {
        uint64_t word = 0;
        size_t n = s.n < 8 ? s.n : 8;
        memcpy(&word, s.p, n);
        h = mix(h, lower ? lower_word(word) : word);
        s = str_skip(s, n);
    }
    return h;
}

uint64_t
str_hash(struct str s)
{
    return hash_bytes(s, false);
}

uint64_t
str_hash_nocase(struct str s)
{
    return hash_bytes(s, true);
}

size_t
str_distance(struct str a, struct str b, size_t limit)
{
    size_t row[65];
    if (a.n > 64 || b.n > 64 || a.n > b.n + limit || b.n > a.n + limit)
        return limit + 1;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j], best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b.n] <= limit ? row[b.n] : limit + 1;
}
