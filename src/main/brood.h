/* The supervisor's worker processes: one that serves, and those that still finish what they began.
 */
#pragma once

#include "main/handover.h"
#include "main/worker.h"

#include <poll.h>
#include <sys/types.h>

struct worker_process {
    struct worker_process *next;
    pid_t pid;
    int control;
    uint64_t born_ms;
    bool ready;   /* it accepts */
    bool leaving; /* it was told to end */
};

struct brood {
    struct worker_process *first;
    unsigned short_lives; /* that ended within a second of their birth, in a row */
    uint64_t again_at;    /* when the next may be born; NEVER: none is wanted */
    bool ever_ready;
};

void brood_init(struct brood *b);
/* Forks a worker. False when it could not be (reported; tried again later). */
bool brood_bear(struct brood *b, const struct options *o, struct snapshot *s,
                const struct holdings *h);
/* The one that serves, or NULL. */
struct worker_process *brood_serving(const struct brood *b);
/* Tells one to drain. */
void brood_dismiss(struct worker_process *w);
/* Tells all that are not leaving yet to drain, or everybody to terminate. */
void brood_drain(struct brood *b);
void brood_terminate(struct brood *b);
void brood_kill(struct brood *b); /* SIGKILL */
/* A child has ended. True when it was a worker; *unexpected when it was the serving one: the next
 * birth is due at again_at then. Logs nginx's lines. */
bool brood_buried(struct brood *b, pid_t pid, int status, bool *unexpected);
/* For poll(2): appends the control sockets. How many. */
unsigned brood_poll(const struct brood *b, struct pollfd *fds, unsigned room);
