/* Birth, orders and death of worker processes. */
#include "main/process/workers.h"

#include "base/clock.h"
#include "main/report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHORT_LIFE_MS = 1000, FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 10000 };

void
workers_init(struct workers *b)
{
    *b = (struct workers){ .respawn_at = NEVER };
}

static void
add(struct workers *b, pid_t pid, int control)
{
    struct worker_process *w = calloc(1, sizeof *w);
    *w = (struct worker_process){
        .next = b->first, .pid = pid, .control = control, .started_ms = clock_ms()
    };
    b->first = w;
}

/* The child must not hold the ends through which the supervisor speaks to others. */
static void
close_controls(const struct workers *b)
{
    for (const struct worker_process *w = b->first; w; w = w->next)
        if (w->control >= 0)
            close(w->control);
}

bool
workers_spawn(struct workers *b, const struct options *o, struct snapshot *s,
              const struct sockets *h)
{
    int ends[2];
    int e = handover_pair(ends);
    pid_t pid = e < 0 ? -1 : fork();
    if (pid == 0) {
        struct sockets mine = *h;
        close(ends[0]);
        close_controls(b);
        worker_main(&(struct worker_start){ o, s, &mine, ends[1] });
    }
    clock_refresh();
    if (pid < 0) {
        report(LEVEL_ALERT, e < 0 ? -e : errno, "fork() failed while spawning \"worker process\"");
        b->respawn_at = clock_in(LONGEST_PAUSE_MS);
        return false;
    }
    close(ends[1]);
    add(b, pid, ends[0]);
    b->respawn_at = NEVER;
    report(LEVEL_NOTICE, 0, "start worker process %d", (int)pid);
    return true;
}

struct worker_process *
workers_serving(const struct workers *b)
{
    struct worker_process *w = b->first;
    while (w && w->leaving)
        w = w->next;
    return w;
}

static void
order(struct worker_process *w, enum handover_kind kind)
{
    w->leaving = true;
    if (w->control < 0 || handover_send(w->control, kind, 0, STR_NONE, -1) < 0)
        kill(w->pid, kind == HANDOVER_DRAIN ? SIGQUIT : SIGTERM);
}

static void
dismiss(struct worker_process *w)
{
    if (!w->leaving)
        order(w, HANDOVER_DRAIN);
}

void
workers_dismiss_stale(struct workers *b)
{
    for (struct worker_process *w = b->first; w; w = w->next)
        if (w->stale)
            dismiss(w);
}

void
workers_drain(struct workers *b)
{
    for (struct worker_process *w = b->first; w; w = w->next)
        dismiss(w);
}

void
workers_terminate(struct workers *b)
{
    for (struct worker_process *w = b->first; w; w = w->next)
        order(w, HANDOVER_TERMINATE);
}

void
workers_kill(struct workers *b)
{
    for (struct worker_process *w = b->first; w; w = w->next)
        kill(w->pid, SIGKILL);
}

static void
announce_death(pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        report(LEVEL_ALERT, 0, "worker process %d exited on signal %d%s", (int)pid,
               WTERMSIG(status), WCOREDUMP(status) ? " (core dumped)" : "");
    else if (WEXITSTATUS(status) == WORKER_FATAL)
        report(LEVEL_ALERT, 0,
               "worker process %d exited with fatal code %d and cannot be respawned", (int)pid,
               WORKER_FATAL);
    else
        report(LEVEL_NOTICE, 0, "worker process %d exited with code %d", (int)pid,
               WEXITSTATUS(status));
}

/* What cannot work is tried again only where a service has to be kept up and nobody else does. */
static uint64_t
after_fatal(const struct workers *b)
{
    return b->ever_ready && workers_serving(b) == NULL ? clock_in(LONGEST_PAUSE_MS) : NEVER;
}

/* At once the first time; then after a pause that doubles while they die young. */
static void
plan_respawn(struct workers *b, const struct worker_process *dead, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_FATAL) {
        b->respawn_at = after_fatal(b);
        return;
    }
    bool young = clock_ms() - dead->started_ms < SHORT_LIFE_MS;
    b->short_runs = young ? b->short_runs + 1 : 0;
    uint64_t pause = 0;
    if (b->short_runs > 1) {
        unsigned doubled = b->short_runs - 2 < 10 ? b->short_runs - 2 : 10;
        pause = (uint64_t)FIRST_PAUSE_MS << doubled;
    }
    b->respawn_at = clock_in(pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
}

/* A worker with the configuration in force lives, be it only about to start. */
static bool
has_successor(const struct workers *b)
{
    const struct worker_process *w = workers_serving(b);
    return w && !w->stale;
}

bool
workers_reap(struct workers *b, pid_t pid, int status)
{
    struct worker_process **at = &b->first;
    while (*at && (*at)->pid != pid)
        at = &(*at)->next;
    struct worker_process *dead = *at;
    if (dead == NULL)
        return false;
    clock_refresh();
    announce_death(pid, status);
    *at = dead->next;
    if (!dead->leaving && !has_successor(b))
        plan_respawn(b, dead, status);
    if (dead->control >= 0)
        close(dead->control);
    free(dead);
    return true;
}

unsigned
workers_poll(const struct workers *b, struct pollfd *fds, unsigned room)
{
    unsigned n = 0;
    for (const struct worker_process *w = b->first; w && n < room; w = w->next)
        if (w->control >= 0)
            fds[n++] = (struct pollfd){ .fd = w->control, .events = POLLIN };
    return n;
}
