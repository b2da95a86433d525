/* A number that one thread writes and any thread may read: no locked instruction on either side. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct count {
    _Atomic uint64_t n;
};

static inline uint64_t
count_read(const struct count *c)
{
    return atomic_load_explicit(&c->n, memory_order_relaxed);
}

/* By its owner only. */
static inline void
count_add(struct count *c, uint64_t by)
{
    atomic_store_explicit(&c->n, count_read(c) + by, memory_order_relaxed);
}

static inline void
count_subtract(struct count *c, uint64_t by)
{
    atomic_store_explicit(&c->n, count_read(c) - by, memory_order_relaxed);
}
