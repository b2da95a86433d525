/* Each pick gives every candidate credit of its weight and takes the richest, who pays for all:
 * over a round each gets its share, spread evenly ({5,1,1} gives a a b a c a a). Credit is a
 * thread's own, so no two threads contend.
 *
 * A failure lowers a peer's effective weight (attempt.c); it comes back by one a pick. */
#include "upstream/balance/round_robin.h"

#include "upstream/attempt.h"
#include "upstream/view.h"

struct peer *
round_robin_pick(struct view *v, unsigned from, unsigned to, const struct attempt *a)
{
    struct peer *best = NULL;
    int total = 0;
    for (unsigned i = from; i < to; i++) {
        struct peer *p = &v->peers[i];
        if (!attempt_may(a, p))
            continue;
        p->current += p->effective;
        total += p->effective;
        if (p->effective < (int)p->server->weight)
            p->effective++;
        if (best == NULL || p->current > best->current)
            best = p;
    }
    if (best)
        best->current -= total;
    return best;
}
