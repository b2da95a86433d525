/* What all threads know of one address of a group: failures, and how many requests it serves.
 *
 * Kept process-wide under (group name, address) and counted: views of several threads and snapshots
 * hold the same one, so a reload forgets nothing. The table is guarded by striped locks; the fields
 * are atomics, and a peer in good health is only ever read. */
#pragma once

#include "net/address.h"

#include <stdatomic.h>

struct health {
    struct health *next; /* in its stripe; guarded by the stripe's lock, as is holds */
    unsigned holds;
    uint64_t hash;
    struct address address;
    _Atomic uint64_t down_until; /* clock_ms moment; 0: live. Once passed, one probe is let in */
    _Atomic uint64_t window;     /* when the first of the counted failures came */
    _Atomic unsigned fails;      /* since then */
    _Atomic unsigned active;     /* picks under way; counted only where there is a max_conns */
    size_t group_n;
    char group[];
};

/* Limits of a server line. */
struct health_limits {
    unsigned max_fails; /* 0: never marked */
    uint64_t fail_timeout_ms;
    unsigned max_conns; /* 0: none */
};

struct health *health_hold(struct str group, const struct address *a);
void health_drop(struct health *h);
/* True when a pick may choose it now. */
bool health_admits(const struct health *h, const struct health_limits *l, uint64_t now);
/* Takes the place that health_admits saw: false when another thread was quicker. */
bool health_enter(struct health *h, const struct health_limits *l, uint64_t now);
void health_leave(struct health *h, const struct health_limits *l);
void health_good(struct health *h);
/* True when this failure has put it out. */
bool health_failed(struct health *h, const struct health_limits *l, uint64_t now);
/* How many there are in the process. */
size_t health_count(void);
