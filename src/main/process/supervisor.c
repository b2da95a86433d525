/* One loop of poll(2): signals, what workers say, and the clock. */
#include "main/process/supervisor.h"

#include "main/configuration.h"
#include "main/process/pidfile.h"
#include "main/process/reload.h"
#include "main/process/signals.h"
#include "main/process/title.h"
#include "main/process/upgrade.h"
#include "main/report.h"
#include "tls/certificate.h"
#include "tls/ticket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TERMINATE_PATIENCE_MS = 1500,
    SETTLE_PATIENCE_MS = 60000,
    FORGET_KEYS_MS = 3600 * 1000,
    WORKERS_POLLED = 64,
    DAY_MS = 24 * 3600 * 1000,
};

bool
supervisor_write_pid(struct supervisor *s)
{
    struct str path = configuration_pid(s->options, s->snapshot);
    if (str_eq(path, s->pid_path) || s->successor > 0) /* the successor's file by now */
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
spawn_worker(struct supervisor *s)
{
    (void)workers_spawn(&s->workers, s->options, s->snapshot, &s->sockets);
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
    s->sockets.shared = supervisor_shares(s);
    sockets_close(&s->sockets, true);
    workers_drain(&s->workers);
}

static void
terminate(struct supervisor *s)
{
    if (s->state == TERMINATING)
        return;
    quit(s);
    s->state = TERMINATING;
    workers_terminate(&s->workers);
    s->kill_at = clock_in(TERMINATE_PATIENCE_MS);
}

static void
stop_workers(struct supervisor *s)
{
    if (s->state != SERVING)
        return;
    s->state = WITHOUT_WORKERS;
    s->workers.respawn_at = NEVER;
    workers_drain(&s->workers);
}

/* HUP after WINCH takes the work up again, with the configuration that was in force. */
static void
restart_workers(struct supervisor *s)
{
    s->state = SERVING;
    report(LEVEL_NOTICE, 0, "start worker processes");
    spawn_worker(s);
}

/* One at a time: however many HUPs come meanwhile, the text that is read after them is the latest.
 * A worker that does not answer for a minute never will, and is replaced. */
static bool
is_settling(const struct supervisor *s)
{
    const struct worker_process *w = workers_serving(&s->workers);
    if (w == NULL || (w->ready && !w->busy))
        return false;
    return clock_ms() - (w->ready ? w->asked_ms : w->started_ms) < SETTLE_PATIENCE_MS;
}

static void
handle_reload(struct supervisor *s)
{
    if (!s->reload_wanted || s->state >= QUITTING || is_settling(s))
        return;
    s->reload_wanted = false;
    bool was_without = s->state == WITHOUT_WORKERS;
    if (was_without && s->successor > 0) {
        restart_workers(s);
        return;
    }
    if (reload(s) && was_without)
        s->state = SERVING;
}

static void
warn(void *arg, struct str sentence)
{
    report(LEVEL_WARN, 0, STR_FMT, STR_ARG(sentence));
}

static void
warn_of_dates(void *arg, const struct certificate *c)
{
    certificate_check_dates(c, (time_t)(clock_wall_us() / 1000000), warn, NULL);
}

/* Certificates age while nobody reloads. */
static void
look_at_dates(struct supervisor *s)
{
    if (clock_ms() < s->dates_at)
        return;
    s->dates_at = clock_in(DAY_MS);
    certificate_each(warn_of_dates, NULL);
}

/* A change that breaks more than it mends is not taken: the next one may be its other half. */
static void
look_at_files(struct supervisor *s)
{
    unsigned n;
    if (clock_ms() < s->files.look_at || s->state != SERVING || is_settling(s))
        return;
    const struct source *changed = file_watch_look(&s->files, &s->snapshot->sources, &n);
    if (changed)
        (void)reload_files(s, changed->path, n);
}

static void
successor_ended(struct supervisor *s, int status)
{
    upgrade_failed(s, status);
    if (s->state == WITHOUT_WORKERS)
        restart_workers(s);
}

static void
reap_children(struct supervisor *s)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == s->successor)
            successor_ended(s, status);
        else
            (void)workers_reap(&s->workers, pid, status);
    }
}

static void
handle_signals(struct supervisor *s)
{
    for (enum signal_order o; (o = signals_next(s->signals)) != ORDER_NONE;) {
        switch (o) {
        case ORDER_NONE:
        case ORDER_IGNORED:
            break;
        case ORDER_RELOAD:
            s->reload_wanted = true;
            handle_reload(s);
            break;
        case ORDER_REOPEN:
            reload_reopen(s);
            break;
        case ORDER_UPGRADE:
            upgrade_begin(s);
            break;
        case ORDER_STOP_WORKERS:
            stop_workers(s);
            break;
        case ORDER_QUIT:
            quit(s);
            break;
        case ORDER_TERMINATE:
            terminate(s);
            break;
        case ORDER_CHILD:
            reap_children(s);
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
worker_ready(struct supervisor *s, struct worker_process *w)
{
    w->ready = s->workers.ever_ready = true;
    tell_start(s);
    if (w->stale || w->leaving)
        return;
    if (w->reloaded)
        report(LEVEL_NOTICE, 0, "configuration reloaded, in a new worker process");
    workers_dismiss_stale(&s->workers);
}

static void
worker_answered(struct supervisor *s, struct worker_process *w, const struct handover *m)
{
    w->busy = false;
    if (m->kind == HANDOVER_ADOPTED)
        report(LEVEL_NOTICE, 0, "configuration reloaded, generation %u", m->number);
    else if (s->state == SERVING && !w->leaving)
        reload_replace_worker(s);
}

static void
read_worker(struct supervisor *s, struct worker_process *w)
{
    struct handover m;
    int r = 0;
    while (w->control >= 0 && (r = handover_receive(w->control, &m)) > 0) {
        if (m.fd >= 0)
            close(m.fd);
        if (m.kind == HANDOVER_READY)
            worker_ready(s, w);
        else if (m.kind == HANDOVER_ADOPTED || m.kind == HANDOVER_REFUSED)
            worker_answered(s, w, &m);
    }
    if (w->control >= 0 && r != -EAGAIN) { /* its death is told by SIGCHLD */
        close(w->control);
        w->control = -1;
    }
}

static void
read_workers(struct supervisor *s)
{
    for (struct worker_process *w = s->workers.first; w; w = w->next)
        read_worker(s, w);
}

static uint64_t
next_moment(const struct supervisor *s)
{
    uint64_t respawn = s->state == SERVING ? s->workers.respawn_at : NEVER;
    uint64_t end = s->state == TERMINATING ? s->kill_at : NEVER;
    return respawn < end ? respawn : end;
}

/* Files wait until the worker has taken the configuration before; its answer ends the poll. */
static uint64_t
files_moment(const struct supervisor *s)
{
    return s->state == SERVING && !is_settling(s) ? s->files.look_at : NEVER;
}

static int
timeout(const struct supervisor *s)
{
    uint64_t at = next_moment(s), files = files_moment(s);
    at = files < at ? files : at;
    at = s->dates_at < at ? s->dates_at : at;
    clock_refresh();
    return at == NEVER ? FORGET_KEYS_MS : at > clock_ms() ? (int)(at - clock_ms()) : 0;
}

static void
act_on_time(struct supervisor *s)
{
    clock_refresh();
    if (clock_ms() < next_moment(s))
        return;
    if (s->state == SERVING) {
        tell_start(s);
        spawn_worker(s);
        return;
    }
    workers_kill(&s->workers);
    s->kill_at = clock_in(TERMINATE_PATIENCE_MS);
}

/* A first worker that cannot serve is a failed start: whoever started the program should know. */
static bool
failed_to_start(const struct supervisor *s)
{
    return s->state == SERVING && !s->workers.ever_ready && s->workers.first == NULL &&
           s->workers.respawn_at == NEVER;
}

static void
supervise(struct supervisor *s)
{
    while (!(s->state >= QUITTING && s->workers.first == NULL) && !failed_to_start(s)) {
        struct pollfd fds[2 + WORKERS_POLLED] = { { .fd = s->signals, .events = POLLIN },
                                                  { .fd = s->files.fd, .events = POLLIN } };
        unsigned n = workers_poll(&s->workers, fds + 2, WORKERS_POLLED);
        (void)poll(fds, 2 + n, timeout(s));
        clock_refresh();
        file_watch_read(&s->files);
        ticket_keys_advance();
        read_workers(s);
        handle_signals(s);
        handle_reload(s);
        look_at_files(s);
        look_at_dates(s);
        act_on_time(s);
    }
}

int
supervisor_run(struct supervisor *s, void (*started)(void))
{
    workers_init(&s->workers);
    title_set("master process", true);
    report(LEVEL_NOTICE, 0, "start worker processes");
    spawn_worker(s);
    s->started = started;
    s->dates_at = clock_in(DAY_MS);
    file_watch_init(&s->files);
    file_watch_settle(&s->files, &s->snapshot->sources);
    supervise(s);
    file_watch_close(&s->files);
    int code = s->state >= QUITTING ? 0 : 1;
    s->sockets.shared = supervisor_shares(s);
    sockets_close(&s->sockets, true);
    if (s->pid_path.n)
        pidfile_remove(s->pid_path);
    free((void *)(uintptr_t)s->pid_path.p);
    report(LEVEL_NOTICE, 0, "exit");
    error_log_set_global(NULL);
    snapshot_drop(s->snapshot);
    return code;
}
