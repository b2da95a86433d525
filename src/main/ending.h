/* How a process that serves comes to its end: gracefully within worker_shutdown_timeout, or at
 * once. Serves the worker process and the single process alike. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>

struct ending {
    enum { ENDING_NOT, ENDING_GRACEFULLY, ENDING_NOW } how;
    uint64_t deadline; /* of the present step; NEVER */
    bool killed;
};

void ending_init(struct ending *e);
/* No more accepting; exchanges may finish within timeout_ms (0: as long as they take). */
void ending_drain(struct ending *e, uint64_t timeout_ms);
/* Exchanges are cut. */
void ending_terminate(struct ending *e);
/* To be called after each wait: takes the next step when its time has come. True when the process
 * may exit. */
bool ending_reached(struct ending *e);
/* For poll(2): milliseconds until the next step, -1 for none. */
int ending_timeout(const struct ending *e);
struct snapshot;
/* Joins the threads when they have ended, flushes what is left, says so, drops the process's
 * snapshot (after the last line: its error log is in it), and exits with 0. */
_Noreturn void ending_exit(struct snapshot *s);
