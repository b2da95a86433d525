/* Pieces of a size class are kept last in, first out: what a stream has just left is still in the
 * cache when the next one comes. What is larger than the classes is malloc's. */
#include "h2/memory.h"

#include "base/must.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef ARENA_MALLOC
enum { KEPT_BYTES = 0 }; /* AddressSanitizer sees a use after it was put */
#else
enum { KEPT_BYTES = 64 * 1024 }; /* of each class */
#endif

enum { STEP = 128, CLASSES = 10 }; /* class 0: what is larger */

/* Before the bytes; keeps their alignment. */
struct chunk {
    union {
        size_t size;
        max_align_t alignment;
    };
    struct chunk *next; /* in the pool: lies in what were the bytes */
};

enum { HEADER = offsetof(struct chunk, next) };

static __thread struct pool {
    struct chunk *first;
    size_t bytes;
} pools[CLASSES];

static size_t
class_of(size_t size)
{
    size_t class = (size + STEP - 1) / STEP;
    return class < CLASSES ? class : 0;
}

static struct chunk *
take_kept(struct pool *pool)
{
    struct chunk *p = pool->first;
    if (p == NULL)
        return NULL;
    pool->first = p->next;
    pool->bytes -= p->size;
    return p;
}

static void *
take(size_t n, void *user)
{
    if (n > SIZE_MAX - HEADER - STEP)
        return NULL;
    size_t class = class_of(n ? n : 1), size = class ? class * STEP : n;
    struct chunk *p = class ? take_kept(&pools[class]) : NULL;
    if (p == NULL)
        p = malloc(HEADER + size);
    if (p == NULL)
        return NULL;
    p->size = size;
    return (char *)p + HEADER;
}

static void
put(void *bytes, void *user)
{
    if (bytes == NULL)
        return;
    struct chunk *p = (struct chunk *)((char *)bytes - HEADER);
    struct pool *pool = &pools[class_of(p->size)];
    if (pool == &pools[0] || pool->bytes >= KEPT_BYTES) {
        free(p);
        return;
    }
    p->next = pool->first;
    pool->first = p;
    pool->bytes += p->size;
}

static void *
take_zeroed(size_t n, size_t size, void *user)
{
    size_t all;
    void *p = __builtin_mul_overflow(n, size, &all) ? NULL : take(all, user);
    return p ? memset(p, 0, all) : NULL;
}

static void *
resize(void *bytes, size_t n, void *user)
{
    size_t old = bytes ? ((struct chunk *)((char *)bytes - HEADER))->size : 0;
    if (bytes && n <= old && n > old / 2)
        return bytes;
    void *p = take(n, user);
    if (p && bytes) {
        memcpy(p, bytes, n < old ? n : old);
        put(bytes, user);
    }
    return p;
}

void *
h2_memory_take(size_t n)
{
    return memset(h2_memory_take_raw(n), 0, n);
}

void *
h2_memory_take_raw(size_t n)
{
    void *p = take(n, NULL);
    must(p != NULL);
    return p;
}

void
h2_memory_put(void *p)
{
    put(p, NULL);
}

nghttp2_mem *
h2_memory(void)
{
    static nghttp2_mem memory = { NULL, take, put, take_zeroed, resize };
    return &memory;
}
