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

static __thread struct buffer *pool;
static __thread size_t pooled;

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
    struct buffer *b = pool;
    if (size <= BUFFER_SIZE && b) {
        pool = b->next;
        pooled--;
        return b;
    }
    return buffer_take_exact(size < BUFFER_SIZE ? BUFFER_SIZE : size);
}

void
buffer_put(struct buffer *b)
{
    if (b == NULL)
        return;
    if (b->cap != BUFFER_SIZE || pooled >= POOL_MAX) {
        free(b);
        return;
    }
    b->next = pool;
    pool = b;
    pooled++;
}

void
buffer_pool_trim(size_t keep)
{
    while (pooled > keep) {
        struct buffer *b = pool;
        pool = b->next;
        pooled--;
        free(b);
    }
}
