/* Arenas over 4 KiB blocks; larger pieces get a block of their own, large arenas huge pages. */
#include "base/arena.h"

#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BLOCK_SIZE = 4096, ALIGNMENT = 16, FREE_BLOCKS_MAX = 4096, HUGE_PAGE = 2 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the whole block */
};

static __thread struct arena_block *free_blocks;
static __thread unsigned free_count;

static void *
get_memory(size_t n)
{
    void *p = malloc(n);
    must(p != NULL);
    return p;
}

/* An arena of many megabytes (a snapshot with thousands of servers) lies in huge pages: what a
 * request looks up there would else cost a TLB miss each. */
static struct arena_block *
get_huge_block(void)
{
    struct arena_block *b = aligned_alloc(HUGE_PAGE, HUGE_PAGE);
    must(b != NULL);
    madvise(b, HUGE_PAGE, MADV_HUGEPAGE);
    b->size = HUGE_PAGE;
    return b;
}

static struct arena_block *
take_block(size_t size)
{
    struct arena_block *b = free_blocks;
    if (size == BLOCK_SIZE && b) {
        free_blocks = b->next;
        free_count--;
        return b;
    }
    b = get_memory(size);
    b->size = size;
    return b;
}

static void
put_block(struct arena_block *b)
{
    if (b->size != BLOCK_SIZE || free_count >= FREE_BLOCKS_MAX) {
        free(b);
        return;
    }
    b->next = free_blocks;
    free_blocks = b;
    free_count++;
}

void
arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){ .limit = limit ? limit : SIZE_MAX };
}

void
arena_fini(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        put_block(b);
    }
    a->free = a->end = NULL;
}

#ifdef ARENA_MALLOC
static char *
carve(struct arena *a, size_t n, size_t alignment)
{
    struct arena_block *b = get_memory(sizeof *b + n);
    b->size = sizeof *b + n;
    b->next = a->blocks;
    a->blocks = b;
    (void)alignment;
    (void)take_block;
    (void)get_huge_block;
    return (char *)(b + 1);
}
#else
static char *
carve_from_new_block(struct arena *a, size_t n)
{
    bool large = n > BLOCK_SIZE - sizeof(struct arena_block),
         huge = a->used > HUGE_PAGE && n < HUGE_PAGE / 4;
    struct arena_block *b =
        huge ? get_huge_block() : take_block(large ? sizeof *b + n : (size_t)BLOCK_SIZE);
    char *p = (char *)(b + 1);
    if (large && !huge && a->blocks) { /* keep filling the present block */
        b->next = a->blocks->next;
        a->blocks->next = b;
        return p;
    }
    b->next = a->blocks;
    a->blocks = b;
    a->free = p + n;
    a->end = (char *)b + b->size;
    return p;
}

static char *
carve(struct arena *a, size_t n, size_t alignment)
{
    uintptr_t at = ((uintptr_t)a->free + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (a->free == NULL || at + n > (uintptr_t)a->end)
        return carve_from_new_block(a, n);
    a->free = (char *)at + n;
    return (char *)at;
}
#endif

void *
arena_raw(struct arena *a, size_t n)
{
    a->used += n;
    return carve(a, n, ALIGNMENT);
}

void *
arena_get(struct arena *a, size_t n)
{
    return memset(arena_raw(a, n), 0, n);
}

static bool
may_have(const struct arena *a, size_t n)
{
    return a->used <= a->limit && n <= a->limit - a->used;
}

void *
arena_try(struct arena *a, size_t n)
{
    return may_have(a, n) ? arena_get(a, n) : NULL;
}

char *
arena_text(struct arena *a, size_t n)
{
    a->used += n;
    return carve(a, n, 1);
}

char *
arena_try_text(struct arena *a, size_t n)
{
    return may_have(a, n) ? arena_text(a, n) : NULL;
}

struct str
arena_dup(struct arena *a, struct str s)
{
    char *p = arena_text(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){ p, s.n };
}

struct str
arena_join(struct arena *a, struct str first, struct str second)
{
    char *p = arena_text(a, first.n + second.n + 1);
    if (first.n)
        memcpy(p, first.p, first.n);
    if (second.n)
        memcpy(p + first.n, second.p, second.n);
    p[first.n + second.n] = '\0';
    return (struct str){ p, first.n + second.n };
}

struct str
arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    must(n >= 0);
    char *p = arena_text(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return (struct str){ p, (size_t)n };
}

struct str
arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str s = arena_vprintf(a, format, args);
    va_end(args);
    return s;
}
