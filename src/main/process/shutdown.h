/* How a process that serves comes to its end: gracefully within worker_shutdown_timeout, or at
 * once. Serves the worker process and the single process alike. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>

struct shutdown {
    enum { SHUTDOWN_NOT, SHUTDOWN_GRACEFULLY, SHUTDOWN_NOW } how;
    uint64_t deadline; /* of the present step; NEVER */
    bool killed;
};

void shutdown_init(struct shutdown *e);
/* No more accepting; exchanges may finish within timeout_ms (0: as long as they take). */
void shutdown_drain(struct shutdown *e, uint64_t timeout_ms);
/* Exchanges are cut. */
void shutdown_terminate(struct shutdown *e);
/* To be called after each wait: takes the next step when its time has come. True when the process
 * may exit. */
bool shutdown_reached(struct shutdown *e);
/* For poll(2): milliseconds until the next step, -1 for none. */
int shutdown_timeout(const struct shutdown *e);
struct snapshot;
/* Joins the threads when they have ended, flushes what is left, says so, drops the process's
 * snapshot (after the last line: its error log is in it), and exits with 0. */
_Noreturn void shutdown_exit(struct snapshot *s);
