/* Arenas: memory with one lifetime. Blocks come from a per-thread free list and go back together.
 *
 * arena_get serves sizes that were bounded at the door and cannot fail; arena_try is for sizes that
 * a peer chooses and returns NULL over the arena's limit. Pieces are aligned to 16 bytes.
 * With -Darena=malloc each piece is its own malloc, so that ASan sees every overflow. Not shared
 * between threads while in use; an arena may be finished by another thread than began it. */
#pragma once

#include "base/str.h"

#include <stdarg.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *free, *end;           /* what is left of the newest block */
    size_t used;                /* bytes handed out */
    size_t limit;               /* arena_try refuses beyond this */
};

/* limit 0 means none. Takes no memory until the first piece. */
void arena_init(struct arena *a, size_t limit);
void arena_fini(struct arena *a);
/* Zeroed memory. */
void *arena_get(struct arena *a, size_t n);
void *arena_try(struct arena *a, size_t n);
/* Aligned, not zeroed: for what is filled at once, or from the front. */
void *arena_raw(struct arena *a, size_t n);
/* Unaligned, not zeroed: for text. */
char *arena_text(struct arena *a, size_t n);
char *arena_try_text(struct arena *a, size_t n);
/* A copy, followed by a NUL that is not counted. */
struct str arena_dup(struct arena *a, struct str s);
struct str arena_join(struct arena *a, struct str first, struct str second);
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#define arena_new(a, type)      ((type *)arena_get((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_get((a), sizeof(type) * (n)))
