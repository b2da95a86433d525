/* Fibers: spawned, parked, woken, cancelled, run; and their children.
 *
 * Every switch goes between a fiber and its thread's loop, so the order of runs is the order of the
 * ready list and nothing else. */
#include "fiber/fiber.h"

#include "base/must.h"
#include "fiber/context.h"
#include "fiber/scheduler.h"

#include <errno.h>

#define RUNS_A_TURN 4096

__thread struct scheduler scheduler;

void
scheduler_open(void)
{
    scheduler = (struct scheduler){ 0 };
    list_init(&scheduler.ready);
    list_init(&scheduler.later);
    sanitize_adopt(&scheduler.sanitize);
    pool_open();
}

void
scheduler_close(void)
{
    must(scheduler.running == NULL);
    pool_close();
    scheduler = (struct scheduler){ 0 };
}

bool
scheduler_busy(void)
{
    return !list_empty(&scheduler.ready);
}

/* --- The two sides of a switch --- */

static void
run(struct fiber *f)
{
    f->state = FIBER_RUNNING;
    scheduler.running = f;
    sanitize_leave(&scheduler.sanitize, &f->sanitize, false);
    context_switch(&scheduler.context, f->context);
    sanitize_arrive(&scheduler.sanitize, &f->sanitize);
    scheduler.running = NULL;
    if (f->state != FIBER_ENDED)
        return;
    sanitize_end(&f->sanitize);
    scheduler.count--;
    pool_put(f);
}

static void
leave(struct fiber *f)
{
    sanitize_leave(&f->sanitize, &scheduler.sanitize, f->state == FIBER_ENDED);
    context_switch(&f->context, scheduler.context);
    sanitize_arrive(&f->sanitize, &scheduler.sanitize);
}

void
scheduler_run(void)
{
    for (int i = 0; i < RUNS_A_TURN; i++) {
        struct list *link = list_pop_front(&scheduler.ready);
        if (link == NULL)
            break;
        run(container_of(link, struct fiber, link));
    }
    list_move_back(&scheduler.ready, &scheduler.later);
}

/* --- Life --- */

static void
tell_parent(struct child *c)
{
    c->fiber = NULL;
    if (c->joiner != NULL)
        fiber_wake(c->joiner);
}

static void
live(void *arg)
{
    struct fiber *f = arg;
    sanitize_arrive(&f->sanitize, &scheduler.sanitize);
    f->fn(f->arg);
    if (f->child != NULL)
        tell_parent(f->child);
    f->state = FIBER_ENDED;
    leave(f);
    must(!"an ended fiber ran");
}

/* What it waited for may have come in the same turn: that counts more. */
static void
give_up(struct timer *t)
{
    struct fiber *f = container_of(t, struct fiber, timer);
    if (f->state == FIBER_PARKED)
        fiber_wake_with(f, -ETIMEDOUT);
}

static struct fiber *
start(struct fiber *f, fiber_fn *fn, void *arg)
{
    f->token = f->cancelled = false;
    f->fn = fn;
    f->arg = arg;
    f->child = NULL;
    f->timer.fire = give_up;
    f->timer.deadline = NEVER;
    sanitize_begin(&f->sanitize, f->stack.low, f->stack.size);
    f->context = context_make(f->top, f->stack.low, live, f);
    f->state = FIBER_READY;
    list_push_back(&scheduler.ready, &f->link);
    scheduler.count++;
    return f;
}

struct fiber *
fiber_spawn(fiber_fn *fn, void *arg)
{
    must(loop_self() != NULL);
    return start(pool_take(), fn, arg);
}

struct fiber *
fiber_spawn_large(fiber_fn *fn, void *arg, size_t size)
{
    must(loop_self() != NULL);
    return start(pool_take_large(size), fn, arg);
}

/* --- Parking and waking --- */

static int
park(struct fiber *f, uint64_t deadline, bool deaf)
{
    if (f->token) {
        f->token = false;
        return 0;
    }
    if (deadline <= clock_ms())
        return -ETIMEDOUT;
    f->deaf = deaf;
    f->state = FIBER_PARKED;
    timer_set(&f->timer, deadline);
    leave(f);
    f->timer.deadline = NEVER;
    return f->outcome;
}

int
fiber_park(uint64_t deadline)
{
    struct fiber *f = scheduler.running;
    must(f != NULL);
    return f->cancelled ? -ECANCELED : park(f, deadline, false);
}

int
fiber_park_deaf(uint64_t deadline)
{
    must(scheduler.running != NULL);
    return park(scheduler.running, deadline, true);
}

/* A second wake before the fiber has run says nothing new, except that a deadline was met after all
 * or that what it waited for is gone. */
void
fiber_wake_with(struct fiber *f, int outcome)
{
    if (f->state == FIBER_PARKED) {
        f->outcome = outcome;
        f->state = FIBER_WOKEN;
        list_push_back(&scheduler.ready, &f->link);
    } else if (f->state != FIBER_WOKEN) {
        must(f->state != FIBER_IDLE);
        f->token = true;
    } else if (outcome < 0 || f->outcome == -ETIMEDOUT) {
        f->outcome = outcome;
    }
}

void
fiber_wake(struct fiber *f)
{
    fiber_wake_with(f, 0);
}

void
fiber_cancel(struct fiber *f)
{
    f->cancelled = true;
    if (f->state == FIBER_PARKED && !f->deaf)
        fiber_wake_with(f, -ECANCELED);
}

static void
cancel_one(struct fiber *f, void *none)
{
    fiber_cancel(f);
}

void
fiber_cancel_all(void)
{
    pool_each(cancel_one, NULL);
}

bool
fiber_cancelled(void)
{
    return scheduler.running != NULL && scheduler.running->cancelled;
}

int
fiber_yield(void)
{
    struct fiber *f = scheduler.running;
    must(f != NULL);
    if (f->cancelled)
        return -ECANCELED;
    f->state = FIBER_READY;
    list_push_back(&scheduler.later, &f->link);
    leave(f);
    return f->cancelled ? -ECANCELED : 0;
}

int
fiber_sleep(uint64_t ms)
{
    if (ms == 0)
        return fiber_yield();
    uint64_t deadline = clock_in(ms);
    int rc;
    do
        rc = fiber_park(deadline);
    while (rc == 0);
    return rc == -ETIMEDOUT ? 0 : rc;
}

struct fiber *
fiber_self(void)
{
    return scheduler.running;
}

size_t
fiber_count(void)
{
    return scheduler.count;
}

struct guard_hit {
    const char *address;
    bool yes;
};

static void
compare_guard(struct fiber *f, void *arg)
{
    struct guard_hit *hit = arg;
    const char *low = f->stack.low;
    if (hit->address < low && hit->address >= low - stack_page())
        hit->yes = true;
}

bool
fiber_guard_hit(const void *address)
{
    struct guard_hit hit = { address, false };
    if (loop_self() != NULL)
        pool_each(compare_guard, &hit);
    return hit.yes;
}

/* --- Children --- */

void
child_start(struct child *c, fiber_fn *fn, void *arg)
{
    *c = (struct child){ .fn = fn, .arg = arg };
    c->fiber = fiber_spawn(fn, arg);
    c->fiber->child = c;
}

void
child_cancel(struct child *c)
{
    if (c->fiber != NULL)
        fiber_cancel(c->fiber);
}

void
child_join(struct child *c)
{
    c->joiner = scheduler.running;
    while (c->fiber != NULL && fiber_park(NEVER) == 0)
        ;
    child_cancel(c);
    while (c->fiber != NULL)
        fiber_park_deaf(NEVER);
    c->joiner = NULL;
}
