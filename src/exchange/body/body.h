/* Bodies are pulled: next() gives the next piece, at the caller's pace, and that is the
 * back-pressure.
 *
 * Filters wrap a body with another body. A chunk's bytes live until the next call on the same body.
 */
#pragma once

#include "base/arena.h"

#include <sys/types.h>

struct chunk {
    struct str bytes; /* when file < 0 */
    int file;         /* else: file_size bytes from file_offset, for sendfile */
    off_t file_offset;
    size_t file_size;
    bool last; /* a hint: nothing follows (lets head, body and end leave in one write) */
};

struct body;

struct body_ops {
    /* 1 with *out filled (not empty), 0 at the end, or -errno. May park. */
    int (*next)(struct body *b, struct chunk *out);
    /* Will next() answer without parking? NULL: always. Lets a held-back head leave before a wait.
     */
    bool (*ready)(struct body *b);
    /* next() is to give just the `size` bytes from `from` of the whole body, whatever was read
     * before; they must lie within. NULL: it only goes forward. */
    void (*seek)(struct body *b, uint64_t from, uint64_t size);
    /* Releases what it holds, finished or not. Never parks. May be NULL. */
    void (*close)(struct body *b);
};

struct body {
    const struct body_ops *ops;
};

/* The bytes given, as one chunk. bytes must outlive it. */
struct body *body_of_str(struct arena *a, struct str bytes);
/* size bytes of file from offset; closes the descriptor at body close when `owned`. */
struct body *body_of_file(struct arena *a, int file, off_t offset, uint64_t size, bool owned);
/* All of a file whose descriptor others use too: release(held) at body close. */
struct body *body_of_shared_file(struct arena *a, int file, uint64_t size,
                                 void (*release)(void *held), void *held);
/* A part of b, which it owns from now on, and of which nothing was read yet: sought when b can
 * seek, else what is before it is read and dropped. */
struct body *body_cut(struct arena *a, struct body *b, uint64_t from, uint64_t size);

/* b, which it owns from now on, at no more than `rate` bytes a second (the first `burst` and the
 * first second's at once); what the pace does not yet allow is waited for in next(). */
struct body *body_pace(struct arena *a, struct body *b, uint64_t rate, uint64_t burst);

static inline int
body_next(struct body *b, struct chunk *out)
{
    *out = (struct chunk){ .file = -1 };
    return b->ops->next(b, out);
}

static inline bool
body_ready(struct body *b)
{
    return b->ops->ready == NULL || b->ops->ready(b);
}

/* NULL is fine. */
void body_close(struct body *b);
/* Reads and drops the rest, at most `most` bytes: 0 at the end, -EMSGSIZE when more is left, or
 * -errno. */
int body_drain(struct body *b, uint64_t most);

static inline size_t
chunk_size(const struct chunk *c)
{
    return c->file >= 0 ? c->file_size : c->bytes.n;
}
