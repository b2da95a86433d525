/* Replaying a head as a peer would send it: whole, and one byte at a time. */
#pragma once

#include "wire/h1.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static const struct h1_limits usual = { .line = 8192, .fields = 100, .ignore_invalid = true };

/* A copy that ends where its malloc ends, so that ASan sees a byte too far. */
static inline char *
exact_copy(struct str s)
{
    char *p = malloc(s.n ? s.n : 1);
    assert_non_null(p);
    memcpy(p, s.p, s.n);
    return p;
}

/* Finds the head's end both ways; they must agree. Returns the size, 0 when there is no end. */
static inline size_t
find_end_both_ways(struct str text)
{
    size_t scanned = 0, whole = 0, bytewise = 0;
    char *p = exact_copy(text);
    enum h1_outcome outcome = h1_find_head_end((struct str){ p, text.n }, &scanned, &whole);
    free(p);
    scanned = 0;
    for (size_t n = 0; n <= text.n && bytewise == 0; n++) {
        p = exact_copy(str_head(text, n));
        h1_find_head_end((struct str){ p, n }, &scanned, &bytewise);
        free(p);
        assert_true(scanned <= n);
    }
    assert_int_equal(outcome == H1_DONE ? whole : 0, bytewise);
    return bytewise;
}
