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
