/* The event loop of one thread: edge-triggered epoll, lazy timers, the run queue of fibers.
 *
 * A turn: epoll_wait, refresh the clock, deliver events, fire timers, run the ready fibers until
 * none is left (or some thousands have run, lest two that wake each other starve the rest), run the
 * turn-end hooks. loop_run returns after the turn in which loop_stop was called. */
#pragma once

#include "base/heap.h"
#include "base/list.h"
#include "fiber/fiber.h"

struct loop;

/* One loop a thread; loop_self is NULL before loop_open. Returns 0 or -errno. */
int loop_open(void);
/* Runs the mail that was still accepted. A fiber that still lives is abandoned: its stack goes away
 * without unwinding. The struct loop stays valid for loop_post for ever. */
void loop_close(void);
struct loop *loop_self(void);
/* Runs until loop_stop. Fibers left over are cancelled by the owner before (fiber_cancel_all), not
 * by the loop. */
void loop_run(void);
void loop_stop(void);
/* Runs fn(arg) as a fiber in a fresh loop until it ends, then cancels the other fibers and waits
 * for their end; for tests and one-shot commands. 0 or -errno of loop_open. */
int loop_run_fiber(fiber_fn *fn, void *arg);

/* --- Timers. A deadline is a field; the heap is touched only when it would fire too late. --- */

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
    struct heap_node node; /* node.at: when the heap will look; ≤ deadline while in the heap */
    uint64_t deadline;     /* NEVER: off */
    timer_fn *fire;        /* in the loop's context, deadline already NEVER */
};

void timer_init(struct timer *t, timer_fn *fire);
/* Takes it out of the heap; before the owner is freed. */
void timer_fini(struct timer *t);
/* Sets, moves or clears (NEVER) the deadline. Moving later or clearing costs a store. */
void timer_set(struct timer *t, uint64_t deadline);

/* --- Watches: a descriptor's readiness, one registration for its life, edge-triggered. --- */

enum watch_bits {
    WATCH_READ = 1,   /* may be readable: cleared by its reader after a short read or EAGAIN */
    WATCH_WRITE = 2,  /* may be writable: cleared after a short write or EAGAIN */
    WATCH_HANGUP = 4, /* the peer closed its side (EPOLLRDHUP, EPOLLHUP); sticky, counts as READ */
    WATCH_ERROR = 8,  /* EPOLLERR; sticky, comes with READ and WRITE: the next call tells errno */
};

struct watch;
/* In the loop's context. `bits` are those that have just come. May close the watch. */
typedef void watch_fn(struct watch *w, unsigned bits);

struct watch {
    int fd;               /* -1 when closed */
    unsigned ready;       /* enum watch_bits */
    struct fiber *reader; /* parked in watch_wait for WATCH_READ */
    struct fiber *writer;
    watch_fn *on_event; /* for events whose side no fiber waits for; may be NULL */
};

/* Registers a non-blocking fd and clears the struct, on_event too. `ready` tells what is known
 * already (a just accepted socket: WATCH_WRITE; with data pending, edge-triggered epoll reports it
 * by itself). Call connect() before: an unconnected socket reports a hang-up. 0 or -errno; the fd
 * stays the caller's. */
int watch_open(struct watch *w, int fd, unsigned ready);
/* Deregisters and forgets the fd without closing it; a waiting fiber is woken with -EBADF and does
 * not touch the watch again. Pending events of this turn for it are dropped. No-op when closed.
 * Before close(fd): a duplicate in a child process would keep the registration alive. */
void watch_close(struct watch *w);
/* Parks until one of the bits (READ, WRITE or both) is ready; one fiber a side at a time. A half
 * closed peer (HANGUP) is ready to READ, not to WRITE. 0, -ETIMEDOUT, -ECANCELED or -EBADF. */
int watch_wait(struct watch *w, unsigned bits, uint64_t deadline)
    __attribute__((warn_unused_result));

/* --- Turn ends: work that gathers over a turn (one write for many streams). --- */

struct turn_end {
    struct list link;
    void (*run)(struct turn_end *);
};

/* Once, at the end of the present turn, in the loop's context; when called by such a hook, of the
 * next turn. No-op when already queued; list_remove(&t->link) withdraws it. */
void loop_at_turn_end(struct turn_end *t);

/* --- Mailbox: the only door into a loop from another thread. --- */

typedef void mail_fn(void *arg);
/* Thread-safe (a short lock); runs fn(arg) in the loop's context soon, in the order of posting.
 * False when the loop is closed (the mail was not taken). */
bool loop_post(struct loop *l, mail_fn *fn, void *arg);
