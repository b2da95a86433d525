/* Lazy timers: the heap holds a moment at or before each deadline, and looks again when it comes.
 */
#include "base/must.h"
#include "fiber/scheduler.h"

static __thread struct heap heap;
static __thread size_t work;

void
timer_init(struct timer *t, timer_fn *fire)
{
    *t = (struct timer){ .deadline = NEVER, .fire = fire };
}

void
timer_fini(struct timer *t)
{
    t->deadline = NEVER;
    if (t->node.place == 0)
        return;
    heap_remove(&heap, &t->node);
    work++;
}

void
timer_set(struct timer *t, uint64_t deadline)
{
    t->deadline = deadline;
    if (deadline == NEVER || (t->node.place != 0 && t->node.at <= deadline))
        return;
    work++;
    if (t->node.place == 0)
        heap_add(&heap, &t->node, deadline);
    else
        heap_move(&heap, &t->node, deadline);
}

/* The node's moment has come; the deadline may have moved since. */
static void
look(struct timer *t, uint64_t now)
{
    work++;
    if (t->deadline > now && t->deadline != NEVER) {
        heap_move(&heap, &t->node, t->deadline);
        return;
    }
    heap_remove(&heap, &t->node);
    if (t->deadline == NEVER)
        return;
    t->deadline = NEVER;
    t->fire(t);
}

/* No more than there were, so that timers which set themselves again at once cannot hold the turn.
 */
void
timers_fire(uint64_t now)
{
    for (size_t budget = heap.n; budget > 0; budget--) {
        struct heap_node *first = heap_first(&heap);
        if (first == NULL || first->at > now)
            break;
        look(container_of(first, struct timer, node), now);
    }
}

uint64_t
timers_next(void)
{
    struct heap_node *first = heap_first(&heap);
    return first ? first->at : NEVER;
}

/* Timers outlive the loop in their owners: they must not believe that they are still in a heap. */
void
timers_close(void)
{
    for (size_t i = 0; i < heap.n; i++)
        heap.nodes[i]->place = 0;
    heap_fini(&heap);
}

size_t
timers_work(void)
{
    return work;
}
