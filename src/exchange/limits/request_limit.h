/* What limit_req and limit_req_zone say: their lines, read. */
#pragma once

#include "exchange/limits/bucket.h"
#include "exchange/limits/limit_key.h"

enum { LIMIT_COUNTS_MAX = 16 };

enum limit_action {
    LIMIT_ACTION_REJECT,
    LIMIT_ACTION_DELAY,
    LIMIT_ACTION_CLOSE,
    LIMIT_ACTION_TARPIT,
    LIMIT_ACTION_CHALLENGE
};

/* One line of limit_req. */
struct request_limit {
    struct request_limit *next;
    const struct zone *zone;
    uint64_t burst, delay; /* thousandths of a request, as in struct bucket_use */
    unsigned action;       /* enum limit_action */
    uint64_t hold_ms;
    unsigned held; /* at most so many at once */
    unsigned counts[LIMIT_COUNTS_MAX],
        n_counts; /* only these answers are counted; none: all requests */
};

/* What limit_req_zone says beside the zone's key. */
struct request_zone {
    struct limit_key key;
    uint64_t rate;
};

/* .set of limit_req_zone. */
bool request_limit_set_zone(struct setting *s);
/* .set of limit_req; the field is the list. */
bool request_limit_set(struct setting *s);
