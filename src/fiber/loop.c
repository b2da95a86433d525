/* The loop: one turn after another. */
#include "fiber/loop.h"

#include "base/must.h"
#include "fiber/mailbox.h"
#include "fiber/scheduler.h"

#include <limits.h>
#include <stdlib.h>

/* Allocated by itself and never freed, for other threads may hold it and post to it. */
struct loop {
    struct mailbox mailbox;
    struct list turn_ends;
    bool stopping;
    struct loop *closed_before;
};

static __thread struct loop *self;
/* Closed loops, so that leak checkers see that they are kept on purpose. */
static struct loop *closed;
static pthread_mutex_t closed_lock = PTHREAD_MUTEX_INITIALIZER;

struct loop *
loop_self(void)
{
    return self;
}

static void
keep_closed(struct loop *l)
{
    pthread_mutex_lock(&closed_lock);
    l->closed_before = closed;
    closed = l;
    pthread_mutex_unlock(&closed_lock);
}

int
loop_open(void)
{
    must(self == NULL);
    int rc = watches_open();
    if (rc < 0)
        return rc;
    struct loop *l = calloc(1, sizeof *l);
    must(l != NULL);
    list_init(&l->turn_ends);
    rc = mailbox_open(&l->mailbox);
    if (rc < 0) {
        watches_close();
        free(l);
        return rc;
    }
    self = l;
    clock_refresh();
    scheduler_open();
    return 0;
}

void
loop_close(void)
{
    mailbox_close(&self->mailbox);
    scheduler_close();
    timers_close();
    watches_close();
    keep_closed(self);
    self = NULL;
}

/* Rounds to "not yet" never to "too late": the clock in milliseconds is cut, not rounded. */
static int
patience(void)
{
    if (scheduler_busy() || !list_empty(&self->turn_ends))
        return 0;
    uint64_t next = timers_next(), now = clock_ms();
    if (next == NEVER)
        return -1;
    if (next <= now)
        return 0;
    return next - now > INT_MAX ? INT_MAX : (int)(next - now);
}

static void
end_turn(void)
{
    struct list due;
    list_init(&due);
    list_move_back(&due, &self->turn_ends);
    struct list *link;
    while ((link = list_pop_front(&due)) != NULL) {
        struct turn_end *t = container_of(link, struct turn_end, link);
        t->run(t);
    }
}

static void
turn(void)
{
    watches_poll(patience());
    clock_refresh();
    watches_deliver();
    timers_fire(clock_ms());
    scheduler_run();
    end_turn();
}

void
loop_run(void)
{
    do
        turn();
    while (!self->stopping);
    self->stopping = false;
}

void
loop_stop(void)
{
    self->stopping = true;
}

void
loop_at_turn_end(struct turn_end *t)
{
    if (!list_linked(&t->link))
        list_push_back(&self->turn_ends, &t->link);
}

bool
loop_post(struct loop *l, mail_fn *fn, void *arg)
{
    return mailbox_post(&l->mailbox, (struct mail){ fn, arg });
}

/* --- A loop for one fiber --- */

struct errand {
    fiber_fn *fn;
    void *arg;
};

static void
do_errand(void *arg)
{
    struct errand *e = arg;
    e->fn(e->arg);
    loop_stop();
}

int
loop_run_fiber(fiber_fn *fn, void *arg)
{
    int rc = loop_open();
    if (rc < 0)
        return rc;
    struct errand errand = { fn, arg };
    fiber_spawn(do_errand, &errand);
    loop_run();
    while (fiber_count() > 0) {
        fiber_cancel_all();
        turn();
    }
    loop_close();
    return 0;
}
