/* Fibers: stackful coroutines of one thread. A blocking call parks the fiber, never the thread.
 *
 * A fiber belongs to the loop (fiber/loop.h) of the thread that spawned it and never migrates.
 * Stacks are 64 KiB of address space (touched pages only) from a per-thread LIFO pool, guarded.
 * Blocking calls return 0 (or a count), or a negative errno: -ETIMEDOUT when the deadline passed,
 * -ECANCELED when the fiber was cancelled. Cancellation is sticky: every blocking call that follows
 * returns -ECANCELED at once, except those said to be uncancellable, so the code unwinds by its
 * normal clean-up. Deadlines are moments of clock_ms(); NEVER is none.
 * Nothing here is thread-safe unless it says so. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct fiber;

typedef void fiber_fn(void *arg);

/* The running fiber; NULL in the loop's own context (event callbacks). */
struct fiber *fiber_self(void);
/* A detached fiber; it first runs later in the present loop turn. Its handle is only valid while it
 * runs: do not keep it unless the fiber itself tells you when it ends. Cannot fail (address space
 * and memory are bounded by connection limits at the door). */
struct fiber *fiber_spawn(fiber_fn *fn, void *arg);
/* The same with a stack of `size` bytes, for libraries that recurse. Not pooled. */
struct fiber *fiber_spawn_large(fiber_fn *fn, void *arg, size_t size);

/* Parks until woken. 0, -ETIMEDOUT or -ECANCELED. */
int fiber_park(uint64_t deadline) __attribute__((warn_unused_result));
/* The same, deaf to cancellation: for joins and clean-up. 0 or -ETIMEDOUT. */
int fiber_park_deaf(uint64_t deadline);
/* Makes a parked fiber run later this turn; waking one that is not parked is remembered for
 * its next park (one token). So a park may return 0 early: test what you wait for in a loop. */
void fiber_wake(struct fiber *f);
void fiber_cancel(struct fiber *f);
/* Every living fiber of this thread: for shutdown. */
void fiber_cancel_all(void);
bool fiber_cancelled(void);
/* Runs again next turn, after the other ready fibers and new events. 0 or -ECANCELED. */
int fiber_yield(void);
/* 0 or -ECANCELED. */
int fiber_sleep(uint64_t ms);

/* Structured children: the parent joins before the struct goes out of scope. */
struct child {
    fiber_fn *fn;
    void *arg;
    struct fiber *fiber; /* NULL once ended */
    struct fiber *joiner;
};

void child_start(struct child *c, fiber_fn *fn, void *arg);
/* Uncancellable: when the parent is cancelled while joining, the child is cancelled too and the
 * join goes on until it has ended. */
void child_join(struct child *c);
/* Cancels, does not wait. No-op when it has ended. */
void child_cancel(struct child *c);

/* How many fibers live in this thread. */
size_t fiber_count(void);
/* True when the address lies in the guard page of a stack of this thread: for the crash report. */
bool fiber_guard_hit(const void *address);
