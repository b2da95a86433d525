/* Mutex and condition: ownership passes from hand to hand, so nobody overtakes. */
#include "fiber/sync.h"

#include "base/must.h"
#include "fiber/waiter.h"

#include <errno.h>

void
fiber_mutex_init(struct fiber_mutex *m)
{
    m->owner = NULL;
    list_init(&m->waiters);
}

int
fiber_mutex_lock(struct fiber_mutex *m, uint64_t deadline)
{
    struct fiber *me = fiber_self();
    must(me != NULL && m->owner != me);
    if (fiber_cancelled())
        return -ECANCELED;
    if (m->owner == NULL) {
        m->owner = me;
        return 0;
    }
    struct waiter w = { 0 };
    return waiter_park(&w, &m->waiters, deadline);
}

void
fiber_mutex_unlock(struct fiber_mutex *m)
{
    must(m->owner == fiber_self());
    struct waiter *next = waiter_release(&m->waiters, 0);
    m->owner = next ? next->fiber : NULL;
}

void
fiber_condition_init(struct fiber_condition *c)
{
    list_init(&c->waiters);
}

int
fiber_condition_wait(struct fiber_condition *c, uint64_t deadline)
{
    struct waiter w = { 0 };
    return waiter_park(&w, &c->waiters, deadline);
}

void
fiber_condition_signal(struct fiber_condition *c)
{
    waiter_release(&c->waiters, 0);
}

void
fiber_condition_broadcast(struct fiber_condition *c)
{
    while (waiter_release(&c->waiters, 0) != NULL)
        ;
}
