/* Growing bounded buffers: capacity doubles, the arena keeps the outgrown piece. */
#include "base/buf.h"

#include "base/must.h"

#include <stdio.h>

void
buf_init(struct buf *b, struct arena *a, size_t first, size_t max)
{
    *b = (struct buf){ .arena = a, .max = max ? max : SIZE_MAX };
    if (first) {
        b->p = arena_text(a, first);
        b->cap = first;
    }
}

char *
buf_room(struct buf *b, size_t n)
{
    if (b->cap - b->n >= n && b->p)
        return b->p + b->n;
    if (b->full || n > b->max - b->n || b->n > b->max) {
        b->full = true;
        return NULL;
    }
    size_t cap = b->cap < 64 ? 64 : b->cap * 2;
    if (cap < b->n + n)
        cap = b->n + n;
    if (cap > b->max)
        cap = b->max;
    char *p = arena_text(b->arena, cap);
    if (b->n)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
    return p + b->n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    must(n >= 0);
    char *at = buf_room(b, (size_t)n + 1);
    if (at) {
        vsnprintf(at, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void
buf_u64(struct buf *b, uint64_t value)
{
    char digits[U64_DIGITS];
    buf_put(b, str_of_u64(value, digits));
}
