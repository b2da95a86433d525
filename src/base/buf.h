/* struct buf: bytes that grow, up to a bound, in an arena. Templates, log lines and heads are
 * written into one in a single pass.
 *
 * Writing beyond the bound sets `full` and drops the rest: check it once at the end. The bytes stay
 * where they are until the next write, and live as long as the arena. */
#pragma once

#include "base/arena.h"

struct buf {
    struct arena *arena;
    char *p;
    size_t n, cap, max;
    bool full;
};

/* `first` bytes are reserved at once; max 0 means no bound. */
void buf_init(struct buf *b, struct arena *a, size_t first, size_t max);
/* Room for n more bytes at b->p + b->n, or NULL (and full) when the bound forbids it.
 * buf_printf needs one byte more than it writes, for its NUL. */
char *buf_room(struct buf *b, size_t n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_u64(struct buf *b, uint64_t value);

static inline void
buf_put(struct buf *b, struct str s)
{
    if (s.n == 0)
        return;
    char *at = b->cap - b->n >= s.n ? b->p + b->n : buf_room(b, s.n);
    if (at == NULL)
        return;
    memcpy(at, s.p, s.n);
    b->n += s.n;
}

static inline void
buf_byte(struct buf *b, char c)
{
    buf_put(b, (struct str){ &c, 1 });
}

static inline struct str
buf_str(const struct buf *b)
{
    return (struct str){ b->p, b->n };
}
