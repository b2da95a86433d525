/* The supervisor's worker processes: one that serves, and those that still finish what they began.
 */
#pragma once

#include "main/process/handover.h"
#include "main/process/worker.h"

#include <poll.h>
#include <sys/types.h>

struct worker_process {
    struct worker_process *next;
    pid_t pid;
    int control;
    uint64_t started_ms, asked_ms; /* asked: to take a configuration, last */
    bool ready;                    /* it accepts */
    bool busy;                     /* with a configuration that it was sent and has not answered */
    bool stale;                    /* it serves another configuration than the one in force */
    bool reloaded;                 /* born of a reload */
    bool leaving;                  /* it was told to end */
};

struct workers {
    struct worker_process *first;
    unsigned short_runs; /* that ended within a second of their start, in a row */
    uint64_t respawn_at; /* when the next may be born; NEVER: none is wanted */
    bool ever_ready;
};

void workers_init(struct workers *b);
/* Forks a worker. False when it could not be (reported; tried again later). */
bool workers_spawn(struct workers *b, const struct options *o, struct snapshot *s,
                   const struct sockets *h);
/* The one that serves, the youngest of them, or NULL. */
struct worker_process *workers_serving(const struct workers *b);
/* Tells those to drain that serve another configuration than the one in force. */
void workers_dismiss_stale(struct workers *b);
/* Tells all that are not leaving yet to drain, or everybody to terminate. */
void workers_drain(struct workers *b);
void workers_terminate(struct workers *b);
void workers_kill(struct workers *b); /* SIGKILL */
/* A child has ended. False when it was no worker. When nobody had told it to, respawn_at says when
 * the next is due. Logs nginx's lines. */
bool workers_reap(struct workers *b, pid_t pid, int status);
/* For poll(2): appends the control sockets. How many. */
unsigned workers_poll(const struct workers *b, struct pollfd *fds, unsigned room);
