/* Mutex, condition and channel between fibers of one thread. First come, first served. */
#pragma once

#include "base/list.h"
#include "fiber/fiber.h"

struct fiber_mutex {
    struct fiber *owner;
    struct list waiters;
};

void fiber_mutex_init(struct fiber_mutex *m);
/* 0, -ETIMEDOUT or -ECANCELED (not held then). */
int fiber_mutex_lock(struct fiber_mutex *m, uint64_t deadline) __attribute__((warn_unused_result));
void fiber_mutex_unlock(struct fiber_mutex *m);

struct fiber_condition {
    struct list waiters;
};

void fiber_condition_init(struct fiber_condition *c);
/* Waits for a signal; no mutex, as fibers of one thread do not preempt: test the predicate in a
 * loop. */
int fiber_condition_wait(struct fiber_condition *c, uint64_t deadline)
    __attribute__((warn_unused_result));
void fiber_condition_signal(struct fiber_condition *c);
void fiber_condition_broadcast(struct fiber_condition *c);

/* A bounded queue of pointers. Capacity at least 1. */
struct channel;

struct channel *channel_open(size_t capacity);
/* Readers drain what is left, then get -EPIPE; writers get -EPIPE. Frees at channel_drop. */
void channel_close(struct channel *ch);
void channel_drop(struct channel *ch);
int channel_send(struct channel *ch, void *item, uint64_t deadline)
    __attribute__((warn_unused_result));
int channel_receive(struct channel *ch, void **item, uint64_t deadline)
    __attribute__((warn_unused_result));
