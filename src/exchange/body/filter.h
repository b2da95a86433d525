/* What filters that change bodies have in common: the head that no longer fits, and bodies of files
 * that must be looked into. */
#pragma once

#include "exchange/exchange.h"

enum body_filter {
    BODY_LOSES_VALIDATORS = 1 << 0, /* Last-Modified and ETag go: it is made anew each time */
    BODY_WEAKENS_ETAG = 1 << 1,     /* the same in meaning, not in bytes (RFC 9110 8.8.1) */
    BODY_LOSES_RANGES = 1 << 2,     /* a backend's Accept-Ranges goes too */
};

/* The response's length is not known from now on, and usher cuts no ranges of it; and what `what`
 * says (enum body_filter bits; sub_filter and charset keep more than they should, as in nginx). */
void body_filter_head(struct exchange *x, unsigned what);

/* b, which it owns from now on, whose chunks are bytes: files are read, a piece at a time. A file
 * that ends early is -EIO. */
struct body *body_in_memory(struct arena *a, struct body *b);

/* A body that is made of another's bytes as they pass. Embedded in the filter's own struct. */
struct body_rewrite {
    struct body body; /* first */
    struct body *inner;
    /* Takes from `in` and puts out; called while `in` is left, and once `last` is set until it sets
     * `done`. There is room for `reserve` bytes each time. 0 or -errno. */
    int (*work)(struct body_rewrite *w);
    void (*close)(struct body_rewrite *w); /* NULL: nothing of its own */
    size_t reserve;
    struct str in;
    bool last, done;
    /* private */
    bool shares;
    struct buffer *buffer;
    size_t n;
    struct str rest, view;
};

/* x's response goes through w, whose work, close and reserve are set, from now on. */
void body_rewrite_begin(struct body_rewrite *w, struct exchange *x);
/* Bytes that stay where they are until `in` is empty (or are no more than is reserved). */
void body_rewrite_put(struct body_rewrite *w, struct str bytes);
/* A view of `in`: the same without copying, where nothing else goes out with it. */
void body_rewrite_pass(struct body_rewrite *w, struct str bytes);
/* Room for at least `reserve` bytes, to be filled by hand. */
char *body_rewrite_room(struct body_rewrite *w, size_t *n);
void body_rewrite_wrote(struct body_rewrite *w, size_t n);
