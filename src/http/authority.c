/* "host:port", as RFC 3986 3.2.2 and nginx since 1.29.4 have it. */
#include "http/uri.h"

enum { NAME = 1, LITERAL = 2, CAPITAL = 4 };

/* reg-name: unreserved, sub-delims and (checked apart) escapes. Literal: an IPv6 address. */
static const unsigned char classes[256] = {
    ['0' ... '9'] = NAME | LITERAL,
    ['a' ... 'f'] = NAME | LITERAL,
    ['g' ... 'z'] = NAME,
    ['A' ... 'F'] = NAME | LITERAL | CAPITAL,
    ['G' ... 'Z'] = NAME | CAPITAL,
    [':'] = LITERAL,
    ['.'] = NAME | LITERAL,
    ['-'] = NAME,
    ['_'] = NAME,
    ['~'] = NAME,
    ['!'] = NAME,
    ['$'] = NAME,
    ['&'] = NAME,
    ['\''] = NAME,
    ['('] = NAME,
    [')'] = NAME,
    ['*'] = NAME,
    ['+'] = NAME,
    [','] = NAME,
    [';'] = NAME,
    ['='] = NAME,
    ['%'] = NAME,
};

static bool
is_hex(char c)
{
    c = byte_lower(c);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool
is_escape(struct str s, size_t i)
{
    return s.n - i >= 3 && is_hex(s.p[i + 1]) && is_hex(s.p[i + 2]);
}

/* All of the class; *capital tells whether there is something to lower. */
static bool
is_of(struct str s, unsigned class, bool *capital)
{
    unsigned any = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = classes[(unsigned char)s.p[i]];
        bool dots = s.p[i] == '.' && i > 0 && s.p[i - 1] == '.';
        if (!(c & class) || dots || (s.p[i] == '%' && !is_escape(s, i)))
            return false;
        any |= c;
    }
    *capital = any & CAPITAL;
    return s.n > 0;
}

static bool
port_parse(struct str s, int *port)
{
    uint64_t value = 0;
    *port = -1;
    if (s.n == 0)
        return true;
    if (s.p[0] != ':' || (s.n > 1 && !str_to_u64(str_skip(s, 1), 65535, &value)))
        return false;
    if (s.n > 1)
        *port = (int)value;
    return true;
}

static struct str
lower(struct str s, struct arena *a)
{
    char *p = arena_text(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = byte_lower(s.p[i]);
    return (struct str){ p, s.n };
}

bool
host_parse(struct str authority, struct arena *a, struct str *host, int *port)
{
    bool literal = authority.n && authority.p[0] == '[', capital;
    ptrdiff_t at = str_find(authority, literal ? ']' : ':');
    if (literal && at < 0)
        return false;
    *host = at < 0 ? authority : str_head(authority, (size_t)at + literal);
    if (!port_parse(str_skip(authority, host->n), port))
        return false;
    struct str inner = literal ? (struct str){ host->p + 1, host->n - 2 } : *host;
    if (!is_of(inner, literal ? LITERAL : NAME, &capital))
        return false;
    if (!literal && host->p[host->n - 1] == '.')
        host->n--;
    if (host->n && capital)
        *host = lower(*host, a);
    return host->n > 0;
}
