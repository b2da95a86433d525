/* Writing heads and chunk framing.
 *
 * What goes out was checked on its way in, and is checked again here: a line end in a value would
 * be a second message, so it is a bug of ours whoever put it there. */
#include "base/must.h"
#include "wire/h1_parse.h"

SCAN(line_break, (c == '\r') | (c == '\n') | (c == '\0'))

static bool
is_one_line(struct str s)
{
    return s.n == 0 || scan_line_break(s.p, s.p + s.n) == s.p + s.n;
}

size_t
h1_chunk_head(uint64_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    must(size != 0);
    for (int shift = (63 - __builtin_clzll(size)) & ~3; shift >= 0; shift -= 4)
        out[n++] = digits[size >> shift & 15];
    out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

void
h1_write_last_chunk(struct buf *b, const struct fields *trailers)
{
    buf_put(b, STR("0\r\n"));
    if (trailers)
        h1_write_fields(b, trailers);
    buf_put(b, STR("\r\n"));
}

/* The whole line of a known status, or STR_NONE. */
static struct str
prebuilt(unsigned status)
{
    switch (status) {
#define X(code, reason) \
    case code:          \
        return STR("HTTP/1.1 " #code " " reason "\r\n");
#include "http/status_reasons.def"
#undef X
    }
    return STR_NONE;
}

void
h1_write_status_line(struct buf *b, unsigned status, struct str reason)
{
    struct str line = reason.p == NULL ? prebuilt(status) : STR_NONE;
    if (line.p) {
        buf_put(b, line);
        return;
    }
    must(is_one_line(reason) && status >= 100 && status <= 999);
    buf_put(b, STR("HTTP/1.1 "));
    buf_u64(b, status);
    buf_byte(b, ' '); /* RFC 9112 4: the blank stays when there is no phrase */
    buf_put(b, reason);
    buf_put(b, STR("\r\n"));
}

static inline char *
copy(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

void
h1_write_field(struct buf *b, struct str name, struct str value)
{
    size_t n = name.n + value.n + 4;
    must(name.n && is_one_line(name) && is_one_line(value));
    char *to = buf_room(b, n);
    if (to == NULL)
        return;
    to = copy(to, name);
    *to++ = ':';
    *to++ = ' ';
    to = copy(to, value);
    *to++ = '\r';
    *to++ = '\n';
    b->n += n;
}

void
h1_write_fields(struct buf *b, const struct fields *f)
{
    for (unsigned i = 0; i < f->n; i++)
        h1_write_field(b, f->v[i].name, f->v[i].value);
}
