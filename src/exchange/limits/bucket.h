/* The leaky bucket of limit_req, as nginx counts: time in milliseconds, what is above the rate in
 * thousandths of a request. Several buckets are asked at once, and either all take the request or
 * none, whatever other threads do meanwhile. */
#pragma once

#include "exchange/limits/limit_table.h"

enum { REQUEST = 1000 }; /* thousandths */

/* One bucket and what it is to do. */
struct bucket_use {
    struct limit_table *table;
    struct str key;
    uint64_t rate;   /* thousandths of a request a second, at least 1 */
    uint64_t burst;  /* thousandths: beyond, a request is refused */
    uint64_t delay;  /* thousandths: beyond, it waits. UINT64_MAX: never */
    bool only_looks; /* the request is not counted now: by bucket_add, if at all */
    /* Set by buckets_take. */
    uint64_t hash, excess;
    struct limit_stripe *stripe;
    struct limit_entry *entry;
    bool locked;
};

enum bucket_outcome { BUCKET_PASSED, BUCKET_DELAYED, BUCKET_REFUSED, BUCKET_FULL };

struct bucket_answer {
    enum bucket_outcome outcome;
    unsigned which;    /* of the uses: the one that refused, or that asks for the longest wait */
    uint64_t excess;   /* its own */
    uint64_t delay_ms; /* of BUCKET_DELAYED */
};

/* One request. The tables differ from each other. now: of clock_ms. */
struct bucket_answer buckets_take(struct bucket_use *uses, unsigned n, uint64_t now);
/* Counts a request that only looked. */
void bucket_add(struct limit_table *t, struct str key, uint64_t rate, uint64_t now);
