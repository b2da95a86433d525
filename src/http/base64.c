/* Base64, six bits a letter. */
#include "http/base64.h"

static int
value_of(char c, char plus, char slash)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == plus ? 62 : c == slash ? 63 : -1;
}

static struct str
decode(struct arena *a, struct str s, char plus, char slash)
{
    char *text = arena_text(a, s.n * 3 / 4 + 3);
    unsigned bits = 0, have = 0;
    size_t n = 0, i = 0;
    for (; i < s.n && s.p[i] != '='; i++) {
        int v = value_of(s.p[i], plus, slash);
        if (v < 0)
            return STR_NONE;
        bits = bits << 6 | (unsigned)v;
        have += 6;
        if (have >= 8)
            text[n++] = (char)(bits >> (have -= 8));
    }
    return i % 4 == 1 ? STR_NONE : (struct str){ text, n };
}

struct str
base64_decode(struct arena *a, struct str text)
{
    return decode(a, text, '+', '/');
}

struct str
base64url_decode(struct arena *a, struct str text)
{
    return decode(a, text, '-', '_');
}

struct str
base64_encode(struct arena *a, struct str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (bytes.n + 2) / 3 * 4;
    char *text = arena_text(a, n + 1), *to = text;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        const unsigned char *p = (const unsigned char *)bytes.p + i;
        unsigned bits =
            (unsigned)p[0] << 16 | (left > 1 ? (unsigned)p[1] << 8 : 0) | (left > 2 ? p[2] : 0);
        *to++ = letters[bits >> 18];
        *to++ = letters[bits >> 12 & 63];
        *to++ = left > 1 ? letters[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? letters[bits & 63] : '=';
    }
    return (struct str){ text, n };
}
