/* One loop of poll(2): signals, what workers say, and the clock. */
#include "main/supervisor.h"

#include "main/configuration.h"
#include "main/pidfile.h"
#include "main/reload.h"
#include "main/report.h"
#include "main/signals.h"
#include "main/title.h"
#include "main/upgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TERMINATE_PATIENCE_MS = 1500, WORKERS_POLLED = 64 };

bool
supervisor_write_pid(struct supervisor *s)
{
    struct str path = configuration_pid(s->options, s->snapshot);
    if (str_eq(path, s->pid_path))
        return true;
    int e = path.n ? pidfile_write(path) : 0;
    if (e < 0) {
        report(LEVEL_EMERG, -e, "open() \"" STR_FMT "\" failed", STR_ARG(path));
        return false;
    }
    if (s->pid_path.n)
        pidfile_remove(s->pid_path);
    free((void *)(uintptr_t)s->pid_path.p);
    s->pid_path = path.n ? (struct str){ strndup(path.p, path.n), path.n } : STR_NONE;
    return true;
}

static void
bear(struct supervisor *s)
{
    (void)brood_bear(&s->brood, s->options, s->snapshot, &s->holdings);
}

bool
supervisor_shares(const struct supervisor *s)
{
    return s->successor > 0 || (s->parent > 0 && getppid() == s->parent);
}

/* From the first moment of the end on, nobody may connect and then wait for an answer in vain. */
static void
quit(struct supervisor *s)
{
    if (s->state >= QUITTING)
        return;
    s->state = QUITTING;
    s->holdings.shared = supervisor_shares(s);
    holdings_close(&s->holdings, true);
    brood_drain(&s->brood);
}

static void
terminate(struct supervisor *s)
{
    if (s->state == TERMINATING)
        return;
    quit(s);
    s->state = TERMINATING;
    brood_terminate(&s->brood);
    s->kill_at = clock_in(TERMINATE_PATIENCE_MS);
}

static void
rest(struct supervisor *s)
{
    if (s->state != SERVING)
        return;
    s->state = RESTING;
    s->brood.again_at = NEVER;
    brood_drain(&s->brood);
}

/* HUP after WINCH takes the work up again, with the configuration that was in force. */
static void
wake(struct supervisor *s)
{
    s->state = SERVING;
    report(LEVEL_NOTICE, 0, "start worker processes");
    bear(s);
}

static void
obey_reload(struct supervisor *s)
{
    if (s->state >= QUITTING)
        return;
    bool rested = s->state == RESTING;
    if (rested && s->successor > 0) {
        wake(s);
        return;
    }
    if (reload(s) && rested)
        s->state = SERVING;
}

static void
bury_successor(struct supervisor *s, int status)
{
    upgrade_failed(s, status);
    if (s->state == RESTING)
        wake(s);
}

static void
bury(struct supervisor *s)
{
    int status;
    bool unexpected;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == s->successor)
            bury_successor(s, status);
        else
            (void)brood_buried(&s->brood, pid, status, &unexpected);
    }
}

static void
hear_signals(struct supervisor *s)
{
    for (enum signal_order o; (o = signals_next(s->signals)) != ORDER_NONE;) {
        switch (o) {
        case ORDER_NONE:
        case ORDER_IGNORED:
            break;
        case ORDER_RELOAD:
            obey_reload(s);
            break;
        case ORDER_REOPEN:
            reload_reopen(s);
            break;
        case ORDER_UPGRADE:
            upgrade_begin(s);
            break;
        case ORDER_REST:
            rest(s);
            break;
        case ORDER_QUIT:
            quit(s);
            break;
        case ORDER_TERMINATE:
            terminate(s);
            break;
        case ORDER_CHILD:
            bury(s);
            break;
        }
    }
}

static void
tell_start(struct supervisor *s)
{
    if (s->started)
        s->started();
    s->started = NULL;
}

static void
welcome(struct supervisor *s, struct worker_process *w)
{
    w->ready = s->brood.ever_ready = true;
    tell_start(s);
}

static void
hear_worker(struct supervisor *s, struct worker_process *w)
{
    struct handover m;
    int r = 0;
    while (w->control >= 0 && (r = handover_receive(w->control, &m)) > 0) {
        if (m.fd >= 0)
            close(m.fd);
        if (m.kind == HANDOVER_READY)
            welcome(s, w);
        else if (m.kind == HANDOVER_ADOPTED)
            report(LEVEL_NOTICE, 0, "configuration reloaded, generation %u", m.number);
        else if (m.kind == HANDOVER_REFUSED)
            reload_replace_worker(s);
    }
    if (w->control >= 0 && r != -EAGAIN) { /* its death is told by SIGCHLD */
        close(w->control);
        w->control = -1;
    }
}

static void
hear_workers(struct supervisor *s)
{
    for (struct worker_process *w = s->brood.first; w; w = w->next)
        hear_worker(s, w);
}

static uint64_t
next_moment(const struct supervisor *s)
{
    uint64_t birth = s->state == SERVING ? s->brood.again_at : NEVER;
    uint64_t end = s->state == TERMINATING ? s->kill_at : NEVER;
    return birth < end ? birth : end;
}

static int
timeout(const struct supervisor *s)
{
    uint64_t at = next_moment(s);
    clock_refresh();
    return at == NEVER ? -1 : at > clock_ms() ? (int)(at - clock_ms()) : 0;
}

static void
act_on_time(struct supervisor *s)
{
    clock_refresh();
    if (clock_ms() < next_moment(s))
        return;
    if (s->state == SERVING) {
        tell_start(s);
        bear(s);
        return;
    }
    brood_kill(&s->brood);
    s->kill_at = clock_in(TERMINATE_PATIENCE_MS);
}

/* A first worker that cannot serve is a failed start: whoever started the program should know. */
static bool
failed_to_start(const struct supervisor *s)
{
    return s->state == SERVING && !s->brood.ever_ready && s->brood.first == NULL &&
           s->brood.again_at == NEVER;
}

static void
supervise(struct supervisor *s)
{
    while (!(s->state >= QUITTING && s->brood.first == NULL) && !failed_to_start(s)) {
        struct pollfd fds[1 + WORKERS_POLLED] = { { .fd = s->signals, .events = POLLIN } };
        unsigned n = brood_poll(&s->brood, fds + 1, WORKERS_POLLED);
        (void)poll(fds, 1 + n, timeout(s));
        clock_refresh();
        hear_workers(s);
        hear_signals(s);
        act_on_time(s);
    }
}

int
supervisor_run(struct supervisor *s, void (*started)(void))
{
    brood_init(&s->brood);
    title_set("master process", true);
    report(LEVEL_NOTICE, 0, "start worker processes");
    bear(s);
    s->started = started;
    supervise(s);
    int code = s->state >= QUITTING ? 0 : 1;
    s->holdings.shared = supervisor_shares(s);
    holdings_close(&s->holdings, true);
    if (s->pid_path.n)
        pidfile_remove(s->pid_path);
    free((void *)(uintptr_t)s->pid_path.p);
    report(LEVEL_NOTICE, 0, "exit");
    error_log_set_global(NULL);
    snapshot_drop(s->snapshot);
    return code;
}
