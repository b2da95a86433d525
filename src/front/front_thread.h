/* What the front room keeps per worker thread: listeners, lists of connections, counts. */
#pragma once

#include "exchange/snapshot.h"
#include "front/connection.h"
#include "front/front.h"
#include "observe/connections.h"

struct listener {
    struct watch watch; /* first */
    struct list link;
    struct address address;
    struct str text;                     /* owned: malloc */
    uint64_t generation;                 /* of that snapshot */
    const struct snapshot *snapshot;     /* that `listen` was looked up in */
    const struct listen_address *listen; /* NULL: the snapshot does not name it any more */
    unsigned connections;                /* that still point here */
    bool closed;                         /* accepts no more; freed with its last connection */
};

struct front_thread {
    struct list listeners;
    struct list idle; /* connections without exchange, longest idle first */
    struct list busy;
    unsigned n_connections, limit, descriptors;
    unsigned n_kept; /* idle ones that have had a request, so that a next is no more than likely */
    bool draining, killed, paused;
    void (*done)(void *arg);
    void *done_arg;
    struct timer resume; /* accepting again after descriptors ran out */
    uint64_t told_ms;    /* when the log was last told that there is no room; 0: never */
    struct connection_tally *tally;
};

/* The calling thread's; made at first use. */
extern __thread struct front_thread *front_thread; /* NULL before */
struct front_thread *front_open(void);
static inline struct front_thread *
front_self(void)
{
    return front_thread ? front_thread : front_open();
}
/* Who answers on the listener's address in the thread's current snapshot; NULL: nobody any more. */
const struct listen_address *listener_listen(struct listener *l);
void listener_release(struct listener *l); /* a connection of it has gone */
/* A connection comes and goes. */
void front_count_in(struct front_thread *f);
void front_count_out(struct front_thread *f);
/* A connection went or may go: if accepting is paused, it is tried again at once. */
void front_resume(struct front_thread *f);
/* Makes room when the limit is reached: closes the connection that has been idle longest and is not
 * spared. False when there is none. */
bool front_evict_idle(struct front_thread *f);
