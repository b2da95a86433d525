/* Client connections of the process and what they do: each thread counts its own, relaxed, and
 * whoever asks sums. The counts outlive their thread. */
#pragma once

#include "base/count.h"

struct connection_tally {
    _Alignas(64) struct count accepted;
    /* reading: a request's head has begun; writing: requests under way (HTTP/2: several on one
     * connection); waiting: idle connections. */
    struct count requests, active, reading, writing, waiting;
};

struct connection_counts {
    uint64_t accepted, handled, requests, active, reading, writing, waiting;
};

/* The calling thread's. */
struct connection_tally *connection_tally(void);
/* The sums over all threads. Any thread. */
struct connection_counts connection_counts(void);
