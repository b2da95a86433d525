/* Writing heads and chunk framing.
 *
 * What goes out was checked on its way in, and is checked again here: a line end in a value would
 * be a second message, so it is a bug of ours whoever put it there. Checking costs next to nothing,
 * because the bytes are looked at while they are copied, sixteen a step. */
#include "base/must.h"
#include "wire/h1_parse.h"

/* Lanes that hold a line end or a NUL. */
static inline scan_block
breaks_in(scan_block c)
{
    return (scan_block)((c == '\r') | (c == '\n') | (c == '\0'));
}

typedef uint64_t word_pair __attribute__((vector_size(16)));

/* Copies 1 to 15 bytes as two words that overlap, and returns them: no lane is foreign but blanks.
 */
static inline scan_block
copy_short(char *to, struct str s)
{
    uint64_t first = 0x2020202020202020u, last = first;
    if (s.n >= 8) {
        memcpy(&first, s.p, 8);
        memcpy(&last, s.p + s.n - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + s.n - 8, &last, 8);
    } else if (s.n >= 4) {
        uint32_t low, high;
        memcpy(&low, s.p, 4);
        memcpy(&high, s.p + s.n - 4, 4);
        memcpy(to, &low, 4);
        memcpy(to + s.n - 4, &high, 4);
        first = last = low | (uint64_t)high << 32;
    } else {
        for (size_t i = 0; i < s.n; i++) {
            to[i] = s.p[i];
            first = first << 8 | (uint8_t)s.p[i];
        }
    }
    return (scan_block)(word_pair){ first, last };
}

/* Copies, and gathers in *breaks what must not be there, to be judged once a field. */
static inline char *
copy(char *to, struct str s, scan_block *breaks)
{
    size_t i = 0;
    if (s.n == 0)
        return to;
    if (s.n < 16) {
        *breaks |= breaks_in(copy_short(to, s));
        return to + s.n;
    }
    for (; i + 16 <= s.n; i += 16) {
        scan_block c = scan_load(s.p + i);
        memcpy(to + i, &c, sizeof c);
        *breaks |= breaks_in(c);
    }
    scan_block last = scan_load(s.p + s.n - 16);
    memcpy(to + s.n - 16, &last, sizeof last);
    *breaks |= breaks_in(last);
    return to + s.n;
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
    must(status >= 100 && status <= 999);
    buf_put(b, STR("HTTP/1.1 "));
    buf_u64(b, status);
    buf_byte(b, ' '); /* RFC 9112 4: the blank stays when there is no phrase */
    char *to = buf_room(b, reason.n + 2);
    if (to == NULL)
        return;
    scan_block breaks = { 0 };
    memcpy(copy(to, reason, &breaks), "\r\n", 2);
    must(scan_first(breaks) == 16);
    b->n += reason.n + 2;
}

void
h1_write_field(struct buf *b, struct str name, struct str value)
{
    size_t n = name.n + value.n + 4;
    char *to = b->cap - b->n >= n ? b->p + b->n : buf_room(b, n);
    if (to == NULL)
        return;
    scan_block breaks = { 0 };
    to = copy(to, name, &breaks);
    memcpy(to, ": ", 2);
    to = copy(to + 2, value, &breaks);
    memcpy(to, "\r\n", 2);
    must(name.n);
    if (scan_first(breaks) == 16)
        b->n += n;
}

void
h1_write_fields(struct buf *b, const struct fields *f)
{
    for (unsigned i = 0; i < f->n; i++)
        h1_write_field(b, f->v[i].name, f->v[i].value);
}
