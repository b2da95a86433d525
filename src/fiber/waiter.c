/* Queueing up, and letting the first one go. */
#include "fiber/waiter.h"

int
waiter_park(struct waiter *w, struct list *queue, uint64_t deadline)
{
    int rc = 0;
    w->fiber = fiber_self();
    list_push_back(queue, &w->link);
    while (list_linked(&w->link) && rc == 0)
        rc = fiber_park(deadline);
    if (!list_linked(&w->link))
        return w->outcome;
    list_remove(&w->link);
    return rc;
}

struct waiter *
waiter_release(struct list *queue, int outcome)
{
    struct list *link = list_pop_front(queue);
    if (link == NULL)
        return NULL;
    struct waiter *w = container_of(link, struct waiter, link);
    w->outcome = outcome;
    fiber_wake(w->fiber);
    return w;
}
