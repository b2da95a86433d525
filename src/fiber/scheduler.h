/* Inside the room: a fiber's struct, and what the loop and its parts know of each other. Other
 * rooms see fiber.h and loop.h only. All of it belongs to one thread. */
#pragma once

#include "base/list.h"
#include "fiber/loop.h"
#include "fiber/sanitize.h"
#include "fiber/stack.h"

enum fiber_state {
    FIBER_IDLE,    /* in the pool */
    FIBER_READY,   /* in a run queue: new, or has yielded */
    FIBER_RUNNING, /* the one that scheduler.running names */
    FIBER_PARKED,
    FIBER_WOKEN, /* in the run queue with an outcome for fiber_park */
    FIBER_ENDED, /* about to go back to the pool */
};

/* Lives as long as its row of stacks, so that its timer may stay in the heap from one use to the
 * next. */
struct fiber {
    void *context;    /* where it stopped; see fiber/context.h */
    struct list link; /* in a run queue, or in the pool */
    enum fiber_state state;
    int outcome; /* what fiber_park will return */
    bool token;  /* woken while not parked */
    bool deaf;   /* parked deaf to cancellation */
    bool cancelled;
    bool pooled; /* not a large one */
    fiber_fn *fn;
    void *arg;
    struct child *child; /* whose child it is, or NULL */
    struct timer timer;  /* of fiber_park */
    char *top;           /* where its stack begins */
    struct stack stack;
    struct sanitize sanitize;
};

struct scheduler {
    struct fiber *running; /* NULL in the loop's context */
    void *context;         /* the loop's, while a fiber runs */
    struct list ready;
    struct list later; /* have yielded: next turn */
    size_t count;
    struct sanitize sanitize;
};

extern __thread struct scheduler scheduler;

void scheduler_open(void);
void scheduler_close(void);
/* True when a fiber is ready: the loop must not sleep. */
bool scheduler_busy(void);
/* Runs ready fibers until none is left, or, against two that keep waking each other, thousands. */
void scheduler_run(void);
/* fiber_wake with an outcome of its own; a negative one overrides what the fiber was woken with. */
void fiber_wake_with(struct fiber *f, int outcome);

/* The pool: fibers with their stacks, last used first. A surplus that nobody needed for a second
 * gives its memory back. */
void pool_open(void);
/* Unmaps all stacks, those of living fibers included. */
void pool_close(void);
struct fiber *pool_take(void);
struct fiber *pool_take_large(size_t size);
void pool_put(struct fiber *f);
/* Each living fiber, in no order. */
typedef void pool_visit_fn(struct fiber *f, void *arg);
void pool_each(pool_visit_fn *visit, void *arg);
/* Counted for tests: idle fibers whose stacks still own memory. */
size_t pool_warm(void);

/* Fires what is due. */
void timers_fire(uint64_t now);
/* When the heap wants to be looked at, or NEVER. */
uint64_t timers_next(void);
void timers_close(void);
/* Heap operations so far in this thread, for tests. */
size_t timers_work(void);

int watches_open(void);
void watches_close(void);
/* Waits for events (-1: for ever); they are delivered by the second call, after the clock has been
 * refreshed. */
void watches_poll(int timeout_ms);
void watches_deliver(void);
