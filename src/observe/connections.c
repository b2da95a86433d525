/* A row of counts a thread, each in a cache line of its own. */
#include "observe/connections.h"

#include "base/thread.h"

static struct connection_tally tallies[THREADS_MAX];

struct connection_tally *
connection_tally(void)
{
    return &tallies[thread_index];
}

struct connection_counts
connection_counts(void)
{
    struct connection_counts sum = { 0 };
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        const struct connection_tally *t = &tallies[i];
        sum.accepted += count_read(&t->accepted);
        sum.requests += count_read(&t->requests);
        sum.active += count_read(&t->active);
        sum.reading += count_read(&t->reading);
        sum.writing += count_read(&t->writing);
        sum.waiting += count_read(&t->waiting);
    }
    sum.handled = sum.accepted;
    return sum;
}
