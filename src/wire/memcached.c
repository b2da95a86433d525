/* memcached's text protocol. */
#include "wire/memcached.h"

static bool
is_unsafe(char c)
{
    return (uint8_t)c <= ' ' || c == '%' || c == 0x7f;
}

struct str
memcached_key(struct str key, struct arena *a)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < key.n; i++)
        n += is_unsafe(key.p[i]) ? 3 : 1;
    if (n == key.n)
        return key;
    char *text = arena_text(a, n), *to = text;
    for (size_t i = 0; i < key.n; i++) {
        uint8_t c = (uint8_t)key.p[i];
        if (is_unsafe(key.p[i])) {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        } else {
            *to++ = key.p[i];
        }
    }
    return (struct str){ text, n };
}

static enum memcached_answer
refuse(struct memcached_value *out, const char *why)
{
    out->why = why;
    return MEMCACHED_BAD;
}

enum memcached_answer
memcached_read_line(struct str line, struct str key, struct memcached_value *out)
{
    if (str_ends(line, STR("\n")))
        line.n--;
    if (str_ends(line, STR("\r")))
        line.n--;
    if (str_eq(line, STR("END")))
        return MEMCACHED_MISS;
    if (!str_starts(line, STR("VALUE ")))
        return refuse(out, "upstream sent invalid response for memcached");
    line = str_skip(line, 6);
    if (!str_starts(line, key) || line.n == key.n || line.p[key.n] != ' ')
        return refuse(out, "upstream sent invalid key in memcached's response");
    line = str_skip(line, key.n + 1);
    if (!str_to_u64(str_cut(&line, ' '), UINT32_MAX, &out->flags))
        return refuse(out, "upstream sent invalid flags in memcached's response");
    if (!str_to_u64(line, INT64_MAX, &out->size))
        return refuse(out, "upstream sent invalid length in memcached's response");
    return MEMCACHED_VALUE;
}
