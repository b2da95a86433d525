/* The thread's lists and counts, graceful end. */
#include "front/front.h"

#include "base/must.h"
#include "front/front_thread.h"
#include "front/listener.h"

#include <limits.h>
#include <stdlib.h>

__thread struct front_thread *front_thread;

/* How many idle connections are looked at for one that may go: it is done for each new client. */
enum { EVICT_LOOKS = 16 };

static void
resume_accepting(struct timer *t)
{
    struct front_thread *f = container_of(t, struct front_thread, resume);
    f->paused = false;
    listeners_retry(f);
}

struct front_thread *
front_open(void)
{
    struct front_thread *f = calloc(1, sizeof *f);
    must(f != NULL);
    list_init(&f->listeners);
    list_init(&f->idle);
    list_init(&f->busy);
    f->limit = 512;
    f->descriptors = UINT_MAX;
    f->tally = connection_tally();
    timer_init(&f->resume, resume_accepting);
    front_thread = f;
    return f;
}

void
front_fini(void)
{
    struct front_thread *f = front_thread;
    if (f == NULL)
        return;
    must(list_empty(&f->listeners) && f->n_connections == 0);
    timer_fini(&f->resume);
    front_thread = NULL;
    free(f);
}

void
front_set_limits(unsigned connections, unsigned descriptors)
{
    struct front_thread *f = front_self();
    f->limit = connections;
    f->descriptors = descriptors;
}

static void
finish_if_empty(struct front_thread *f)
{
    if (!f->draining || f->n_connections > 0 || f->done == NULL)
        return;
    void (*done)(void *arg) = f->done;
    f->done = NULL;
    done(f->done_arg);
}

void
front_count_in(struct front_thread *f)
{
    f->n_connections++;
    count_add(&f->tally->accepted, 1);
    count_add(&f->tally->active, 1);
}

void
front_resume(struct front_thread *f)
{
    if (f->paused)
        timer_set(&f->resume, clock_ms());
}

void
front_count_out(struct front_thread *f)
{
    f->n_connections--;
    count_subtract(&f->tally->active, 1);
    front_resume(f);
    finish_if_empty(f);
}

bool
front_evict_idle(struct front_thread *f)
{
    unsigned looks = EVICT_LOOKS;
    for (struct list *i = f->idle.next; i != &f->idle && looks > 0; i = i->next, looks--) {
        struct connection *c = container_of(i, struct connection, link);
        if (c->protocol->is_spared(c))
            continue;
        c->protocol->close(c);
        return true;
    }
    return false;
}

static void
drain_all(struct list *connections)
{
    for (struct list *i = connections->next, *next = i->next; i != connections;
         i = next, next = i->next) {
        struct connection *c = container_of(i, struct connection, link);
        c->protocol->drain(c);
    }
}

void
front_drain(void (*done)(void *arg), void *arg)
{
    struct front_thread *f = front_self();
    f->draining = true;
    f->done = done;
    f->done_arg = arg;
    listeners_retry(f); /* whoever waits in the queue has connected to somebody */
    listeners_close(f);
    drain_all(&f->busy);
    drain_all(&f->idle);
    finish_if_empty(f);
}

void
front_kill(void)
{
    struct front_thread *f = front_thread;
    if (f == NULL) /* it has ended meanwhile */
        return;
    f->killed = true;
    while (!list_empty(&f->idle)) {
        struct connection *c = container_of(f->idle.next, struct connection, link);
        c->protocol->close(c);
    }
    for (struct list *i = f->busy.next, *next = i->next; i != &f->busy; i = next, next = i->next) {
        struct connection *c = container_of(i, struct connection, link);
        c->protocol->kill(c);
    }
}
