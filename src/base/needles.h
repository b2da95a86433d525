/* Search for several texts at once, ASCII case ignored, in bytes that come in pieces.
 *
 * The first place where any of them begins counts; of several that begin there, the first in their
 * order. Most bytes are never looked at: pairs of bytes say how far the next place may be
 * (Wu and Manber's shifts). */
#pragma once

#include "base/arena.h"

struct needle {
    struct str text; /* lower case; empty: nowhere */
    uint32_t pair;   /* of the last two of its first `shortest` bytes */
};

enum { NEEDLES_PAIRS = 4096 };

struct needles {
    struct needle *v;
    unsigned n;
    size_t shortest, longest; /* 0: nothing to look for */
    uint8_t shift[NEEDLES_PAIRS];
};

/* Copies the texts into a. */
struct needles *needles_new(struct arena *a, const struct str *texts, unsigned n);

enum needles_found {
    NEEDLES_NONE,   /* none begins among the first `starts` bytes */
    NEEDLES_WHOLE,  /* number `which` begins at `at` */
    NEEDLES_PARTIAL /* one that begins at `at` goes on beyond the text's end, as far as one can see
                     */
};

struct needles_place {
    size_t at;
    unsigned which;
};

/* Those whose skip[which] is true are left out; skip may be NULL. starts <= text.n. */
enum needles_found needles_find(const struct needles *set, struct str text, size_t starts,
                                const bool *skip, struct needles_place *out);
