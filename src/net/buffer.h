/* I/O buffers from a per-thread LIFO pool: the most recently used one is still in the cache.
 * Taken when bytes are there, put back before waiting for more: an idle connection owns none. */
#pragma once

#include <stddef.h>

enum { BUFFER_SIZE = 128 * 1024, BUFFER_SMALL = 32 * 1024 };

struct buffer {
    struct buffer *next; /* in the pool */
    size_t cap;          /* BUFFER_SIZE, or more when asked for */
    char data[];
};

/* At least `size` bytes; anything up to BUFFER_SIZE is pooled. Cannot fail (bounded by connection
 * limits). */
struct buffer *buffer_take(size_t size);
/* BUFFER_SMALL bytes, pooled too: for those who may hold many while they wait. */
struct buffer *buffer_take_small(void);
/* Just `size` bytes, not of the pool: for the little that somebody keeps while he waits long. */
struct buffer *buffer_take_exact(size_t size);
void buffer_put(struct buffer *b); /* NULL is fine */
/* Gives pooled memory beyond `keep` buffers back to the system. */
void buffer_pool_trim(size_t keep);
