/* The Authorization field of Basic authentication. */
#include "exchange/auth/credentials.h"

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(struct arena *a, struct str text, struct str *out)
{
    char *bytes = arena_text(a, text.n * 3 / 4 + 3);
    unsigned bits = 0, have = 0;
    size_t n = 0, i = 0;
    for (; i < text.n && text.p[i] != '='; i++) {
        int v = base64_value(text.p[i]);
        if (v < 0)
            return false;
        bits = (bits << 6 | (unsigned)v) & 0xffffff;
        have += 6;
        if (have >= 8)
            bytes[n++] = (char)(bits >> (have -= 8));
    }
    *out = (struct str){ bytes, n };
    return i % 4 != 1;
}

bool
credentials_basic(struct exchange *x, struct str *user, struct str *password)
{
    struct str pair, value = fields_value(&x->request.fields, HEADER_AUTHORIZATION);
    if (!str_starts_nocase(value, STR("Basic ")))
        return false;
    value = str_skip(value, 6);
    while (value.n && value.p[0] == ' ')
        value = str_skip(value, 1);
    if (!base64_decode(&x->arena, value, &pair))
        return false;
    ptrdiff_t colon = str_find(pair, ':');
    if (colon <= 0)
        return false;
    *user = str_head(pair, (size_t)colon);
    *password = str_skip(pair, (size_t)colon + 1);
    return true;
}
