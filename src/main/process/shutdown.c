/* Drain, then kill, then leave. */
#include "main/process/shutdown.h"

#include "main/process/threads.h"
#include "main/report.h"

#include <stdlib.h>
#include <unistd.h>

enum { LAST_MOMENT_MS = 1000 }; /* for cut exchanges to unwind */

void
shutdown_init(struct shutdown *e)
{
    *e = (struct shutdown){ .how = SHUTDOWN_NOT, .deadline = NEVER };
}

void
shutdown_drain(struct shutdown *e, uint64_t timeout_ms)
{
    if (e->how != SHUTDOWN_NOT)
        return;
    e->how = SHUTDOWN_GRACEFULLY;
    report(LEVEL_NOTICE, 0, "gracefully shutting down");
    threads_drain();
    e->deadline = timeout_ms ? clock_in(timeout_ms) : NEVER;
}

static void
cut(struct shutdown *e)
{
    e->killed = true;
    threads_kill();
    e->deadline = clock_in(LAST_MOMENT_MS);
}

void
shutdown_terminate(struct shutdown *e)
{
    if (e->how == SHUTDOWN_NOW)
        return;
    if (e->how == SHUTDOWN_NOT)
        threads_drain();
    e->how = SHUTDOWN_NOW;
    cut(e);
}

bool
shutdown_reached(struct shutdown *e)
{
    clock_refresh();
    if (e->how == SHUTDOWN_NOT)
        return false;
    if (threads_left() == 0 || (e->killed && clock_ms() >= e->deadline))
        return true;
    if (!e->killed && clock_ms() >= e->deadline)
        cut(e);
    return false;
}

int
shutdown_timeout(const struct shutdown *e)
{
    clock_refresh();
    if (e->deadline == NEVER)
        return -1;
    return e->deadline > clock_ms() ? (int)(e->deadline - clock_ms()) : 0;
}

_Noreturn void
shutdown_exit(struct snapshot *s)
{
    report(LEVEL_NOTICE, 0, "exiting");
    bool all = threads_left() == 0;
    if (all)
        threads_join();
    log_flush_thread();
    report(LEVEL_NOTICE, 0, "exit");
    if (!all)
        _exit(0); /* threads that would not end must not see their memory go */
    error_log_set_global(NULL);
    snapshot_drop(s);
    exit(0);
}
