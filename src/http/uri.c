/* URIs: normalising what came, escaping what goes.
 *
 * An escape is decoded before anything else looks at it, so "%2e%2e%2f" climbs exactly as "../"
 * does, and a decoded '?', '#' or '%' is an ordinary byte of a file name. */
#include "http/uri.h"

#include "http/scan.h"

SCAN(special, (c == '%') | (c == '#') | (c == '\0'))

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = byte_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at p stands for, or -1. */
static int
escaped_byte(const char *p, const char *end)
{
    if (end - p < 3)
        return -1;
    int high = hex_value(p[1]), low = hex_value(p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Is the path what it stands for? No escape, no fragment, no "//", no "/.". */
static bool
is_normal(struct str raw)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    for (; end - p > 16; p += 16) {
        scan_block c = scan_load(p), next = scan_load(p + 1);
        scan_block hit = (scan_block)((c == '%') | (c == '#') | (c == '\0') |
                                      ((c == '/') & ((next == '/') | (next == '.'))));
        if (scan_first(hit) < 16)
            return false;
    }
    if (scan_special(p, end) < end)
        return false;
    for (; end - p > 1; p++)
        if (p[0] == '/' && (p[1] == '/' || p[1] == '.'))
            return false;
    return true;
}

/* A path being written: what is between `segment` and `at` is its last segment so far. */
struct path {
    char *start, *segment, *at;
    bool merge;
};

/* Ends the last segment: resolves it when it is "." or "..". False when that leaves the root. */
static bool
resolve(struct path *p)
{
    size_t n = (size_t)(p->at - p->segment);
    if (n == 1 && p->segment[0] == '.')
        p->at = p->segment;
    if (n != 2 || p->segment[0] != '.' || p->segment[1] != '.')
        return true;
    if (p->segment == p->start + 1)
        return false;
    for (p->segment--; p->segment[-1] != '/';)
        p->segment--;
    p->at = p->segment;
    return true;
}

static bool
put_slash(struct path *p)
{
    size_t before = (size_t)(p->at - p->segment);
    if (!resolve(p))
        return false;
    bool was_dots = before > 0 && p->at == p->segment;
    if (!was_dots && !(p->merge && before == 0))
        *p->at++ = '/';
    p->segment = p->at;
    return true;
}

static enum uri_outcome
rebuild(struct path *p, const char *from, const char *end)
{
    *p->at++ = '/';
    p->segment = p->at;
    for (from++; from < end && *from != '#'; from++) {
        int c = *from == '%' ? escaped_byte(from, end) : (unsigned char)*from;
        if (c <= 0) /* not an escape, or NUL */
            return URI_BAD;
        if (*from == '%')
            from += 2;
        if (c != '/')
            *p->at++ = (char)c;
        else if (!put_slash(p))
            return URI_BAD;
    }
    return resolve(p) ? URI_OK : URI_BAD;
}

enum uri_outcome
uri_normalize(struct str raw, bool merge_slashes, struct arena *a, struct str *out)
{
    *out = raw;
    if (raw.n == 0 || raw.p[0] != '/')
        return str_eq(raw, STR("*")) ? URI_OK : URI_BAD;
    if (is_normal(raw))
        return URI_OK;
    char *to = arena_text(a, raw.n);
    struct path p = { .start = to, .segment = to, .at = to, .merge = merge_slashes };
    enum uri_outcome outcome = rebuild(&p, raw.p, raw.p + raw.n);
    *out = str_between(to, p.at);
    return outcome;
}

struct str
uri_decode(struct str s, struct arena *a)
{
    if (str_find(s, '%') < 0)
        return s;
    char *to = arena_text(a, s.n), *at = to;
    const char *end = s.p + s.n;
    for (const char *p = s.p; p < end; p++) {
        int c = *p == '%' ? escaped_byte(p, end) : -1;
        *at++ = c < 0 ? *p : (char)c;
        if (c >= 0)
            p += 2;
    }
    return str_between(to, at);
}

/* Which bytes each kind of escaping leaves alone, found by asking nginx for all 256. */
#define KEEP(how) (1 << (how))

enum {
    SENDABLE = KEEP(ESCAPE_UNSENDABLE),
    IN_REDIRECT = SENDABLE | KEEP(ESCAPE_REDIRECT),
    IN_PATHS = IN_REDIRECT | KEEP(ESCAPE_URI),
    IN_ALL = IN_PATHS | KEEP(ESCAPE_ARGS),
    IN_COMPONENT = IN_ALL | KEEP(ESCAPE_URI_COMPONENT),
};

static const unsigned char kept[256] = {
    ['0' ... '9'] = IN_COMPONENT,
    ['A' ... 'Z'] = IN_COMPONENT,
    ['a' ... 'z'] = IN_COMPONENT,
    ['-'] = IN_COMPONENT,
    ['.'] = IN_COMPONENT,
    ['_'] = IN_COMPONENT,
    ['~'] = IN_COMPONENT,
    ['!'] = IN_ALL,
    ['$'] = IN_ALL,
    ['\''] = IN_ALL,
    ['('] = IN_ALL,
    [')'] = IN_ALL,
    ['*'] = IN_ALL,
    [','] = IN_ALL,
    ['/'] = IN_ALL,
    [':'] = IN_ALL,
    ['='] = IN_ALL,
    ['@'] = IN_ALL,
    ['['] = IN_ALL,
    [']'] = IN_ALL,
    ['&'] = IN_PATHS,
    ['+'] = IN_PATHS,
    [';'] = IN_PATHS,
    ['<'] = IN_REDIRECT,
    ['>'] = IN_REDIRECT,
    ['?'] = IN_REDIRECT,
    ['\\'] = IN_REDIRECT,
    ['^'] = IN_REDIRECT,
    ['`'] = IN_REDIRECT,
    ['{'] = IN_REDIRECT,
    ['|'] = IN_REDIRECT,
    ['}'] = IN_REDIRECT,
    ['"'] = SENDABLE,
    ['#'] = SENDABLE,
    ['%'] = SENDABLE,
    [0x80 ... 0xff] = SENDABLE,
};

struct str
uri_escape(struct str s, enum uri_escape how, struct arena *a)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t escapes = 0;
    for (size_t i = 0; i < s.n; i++)
        escapes += !(kept[(unsigned char)s.p[i]] & KEEP(how));
    if (escapes == 0)
        return s;
    char *to = arena_text(a, s.n + 2 * escapes), *at = to;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (kept[c] & KEEP(how)) {
            *at++ = (char)c;
            continue;
        }
        *at++ = '%';
        *at++ = digits[c >> 4];
        *at++ = digits[c & 15];
    }
    return str_between(to, at);
}

struct str
uri_arg(struct str args, struct str name)
{
    while (args.n) {
        struct str pair = str_cut(&args, '&');
        if (pair.n > name.n && pair.p[name.n] == '=' && name.n && str_starts_nocase(pair, name))
            return str_skip(pair, name.n + 1);
    }
    return STR_NONE;
}
