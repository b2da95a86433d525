/* Inside the room: a place in a queue of parked fibers, on the stack of the one who waits. */
#pragma once

#include "base/list.h"
#include "fiber/fiber.h"

struct waiter {
    struct list link; /* zero once released */
    struct fiber *fiber;
    void *item; /* what a channel's waiter brings or gets */
    int outcome;
};

/* Queues up and parks until released, the deadline passes or the fiber is cancelled. A release that
 * came first wins: what it handed over is not lost. The outcome, -ETIMEDOUT or -ECANCELED. */
int waiter_park(struct waiter *w, struct list *queue, uint64_t deadline);
/* Lets the first of the queue go with this outcome. The struct is valid until the next switch.
 * NULL when nobody waits. */
struct waiter *waiter_release(struct list *queue, int outcome);
