/* The per-thread pool of I/O buffers.
 *
 * Last in, first out: under light load the same few buffers serve everybody and stay in the cache,
 * and what a peak has left over goes back to the system. */
#include "net/buffer.h"

#include "base/must.h"

#include <stdlib.h>

#ifdef ARENA_MALLOC
enum { POOL_MAX = 0 }; /* each use its own malloc: AddressSanitizer sees a use after buffer_put */
#else
enum { POOL_MAX = 128 };
#endif

static __thread struct pool {
    struct buffer *first;
    size_t n;
} large, small;

static struct buffer *
take_pooled(struct pool *p)
{
    struct buffer *b = p->first;
    if (b == NULL)
        return NULL;
    p->first = b->next;
    p->n--;
    return b;
}

struct buffer *
buffer_take_exact(size_t size)
{
    struct buffer *b = malloc(sizeof *b + size);
    must(b != NULL);
    b->cap = size;
    return b;
}

struct buffer *
buffer_take(size_t size)
{
    struct buffer *b = size <= BUFFER_SIZE ? take_pooled(&large) : NULL;
    return b ? b : buffer_take_exact(size < BUFFER_SIZE ? BUFFER_SIZE : size);
}

struct buffer *
buffer_take_small(void)
{
    struct buffer *b = take_pooled(&small);
    return b ? b : buffer_take_exact(BUFFER_SMALL);
}

static struct pool *
pool_of(const struct buffer *b)
{
    return b->cap == BUFFER_SIZE ? &large : b->cap == BUFFER_SMALL ? &small : NULL;
}

void
buffer_put(struct buffer *b)
{
    struct pool *p = b ? pool_of(b) : NULL;
    if (p == NULL || p->n >= POOL_MAX) {
        free(b);
        return;
    }
    b->next = p->first;
    p->first = b;
    p->n++;
}

static void
trim(struct pool *p, size_t keep)
{
    while (p->n > keep)
        free(take_pooled(p));
}

void
buffer_pool_trim(size_t keep)
{
    trim(&large, keep);
    trim(&small, keep);
}
