/* The thread that watches over a worker process: it listens to the supervisor and to signals,
 * compiles new configurations off the loops, and leaves all traffic to the loop threads. */
#include "main/process/worker.h"

#include "base/must.h"
#include "config/source_seal.h"
#include "fiber/crash.h"
#include "main/configuration.h"
#include "main/process/handover.h"
#include "main/process/privileges.h"
#include "main/process/shutdown.h"
#include "main/process/signals.h"
#include "main/process/threads.h"
#include "main/process/title.h"
#include "main/report.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct sent_log { /* a log's new descriptor that waits for the message it belongs to */
    struct sent_log *next;
    struct str path;
    int fd;
};

struct worker {
    const struct options *options;
    struct snapshot *snapshot;
    int control, signals;
    struct shutdown shutdown;
    struct arena arena; /* of what was sent and is not in force yet */
    struct sent_log *logs;
    struct change change;
};

static void
forget_sent(struct worker *w)
{
    arena_fini(&w->arena);
    arena_init(&w->arena, 0);
    w->logs = NULL;
    w->change = (struct change){ 0 };
}

static void
tell_supervisor(struct worker *w, enum handover_kind kind, unsigned number)
{
    (void)handover_send(w->control, kind, number, STR_NONE, -1);
}

static void
keep_log(struct worker *w, const struct handover *m)
{
    struct sent_log *l = arena_new(&w->arena, struct sent_log);
    *l = (struct sent_log){ w->logs, arena_dup(&w->arena, (struct str){ m->text, m->n }), m->fd };
    w->logs = l;
}

static void
keep_listen(struct worker *w, const struct handover *m)
{
    struct change_listen *l = arena_new(&w->arena, struct change_listen);
    *l = (struct change_listen){ .next = w->change.listens,
                                 .text = arena_dup(&w->arena, (struct str){ m->text, m->n }),
                                 .number = m->number,
                                 .fd = m->fd,
                                 .gone = m->kind == HANDOVER_UNLISTEN };
    w->change.listens = l;
}

static void
adopt_logs(struct worker *w)
{
    for (struct sent_log *l = w->logs; l; l = l->next)
        log_files_adopt(l->path, l->fd);
}

/* What was written before the order belongs into the former files. */
static void
reopen(struct worker *w)
{
    report(LEVEL_NOTICE, 0, "reopening logs");
    threads_flush();
    adopt_logs(w);
    forget_sent(w);
}

static void
publish(struct worker *w, struct snapshot *new)
{
    struct snapshot *former = w->snapshot;
    snapshot_hold(new);
    w->snapshot = w->change.snapshot = new;
    threads_change(&w->change);
    snapshot_drop(former);
    tell_supervisor(w, HANDOVER_ADOPTED, (unsigned)new->generation);
}

static void
close_listens(const struct worker *w)
{
    for (const struct change_listen *l = w->change.listens; l; l = l->next)
        if (!l->gone)
            close(l->fd);
}

static void
refuse(struct worker *w, struct snapshot *new)
{
    snapshot_free(new);
    close_listens(w);
    tell_supervisor(w, HANDOVER_REFUSED, 0);
}

/* Whoever leaves (told by a signal of its own) opens no door any more. */
static void
refuse_leaving(struct worker *w, int fd)
{
    close(fd);
    adopt_logs(w);
    close_listens(w);
    tell_supervisor(w, HANDOVER_REFUSED, 0);
    forget_sent(w);
}

static void
reload(struct worker *w, int fd)
{
    struct sources sealed;
    struct diags d;
    sources_init(&sealed, &w->arena);
    int e = sources_load(&sealed, fd);
    close(fd);
    adopt_logs(w);
    struct snapshot *new = configuration_compile(w->options, &sealed, &d);
    sources_wipe(&sealed);
    if (e < 0 || d.errors || !configuration_open_logs(new, &d)) {
        report_diags(&d, true);
        refuse(w, new);
    } else {
        configuration_use_logs(new);
        publish(w, new);
    }
    forget_sent(w);
}

static void
drain(struct worker *w)
{
    title_set("worker process is shutting down", false);
    shutdown_drain(&w->shutdown, process_settings_of(w->snapshot)->worker_shutdown_timeout.ms);
}

static void
handle_message(struct worker *w, const struct handover *m)
{
    switch (m->kind) {
    case HANDOVER_LOG:
        keep_log(w, m);
        return;
    case HANDOVER_REOPENED:
        reopen(w);
        return;
    case HANDOVER_LISTEN:
    case HANDOVER_UNLISTEN:
        keep_listen(w, m);
        return;
    case HANDOVER_RELOAD:
        if (w->shutdown.how == SHUTDOWN_NOT)
            reload(w, m->fd);
        else
            refuse_leaving(w, m->fd);
        return;
    case HANDOVER_DRAIN:
        drain(w);
        return;
    case HANDOVER_TERMINATE:
        shutdown_terminate(&w->shutdown);
        return;
    case HANDOVER_READY:
    case HANDOVER_ADOPTED:
    case HANDOVER_REFUSED:
        return; /* ours to say */
    }
}

/* A worker that lost its supervisor cannot be told anything any more: it finishes and goes. */
static void
read_supervisor(struct worker *w)
{
    struct handover m;
    int r;
    while ((r = handover_receive(w->control, &m)) > 0)
        handle_message(w, &m);
    if (r == -EAGAIN)
        return;
    close(w->control);
    w->control = -1;
    if (w->shutdown.how == SHUTDOWN_NOT)
        report(LEVEL_ALERT, 0, "the supervisor is gone");
    drain(w);
}

static void
handle_signals(struct worker *w)
{
    for (enum signal_order o; (o = signals_next(w->signals)) != ORDER_NONE;) {
        if (o == ORDER_QUIT || o == ORDER_STOP_WORKERS)
            drain(w);
        else if (o == ORDER_TERMINATE)
            shutdown_terminate(&w->shutdown);
    }
}

static void
serve(struct worker *w)
{
    while (!shutdown_reached(&w->shutdown)) {
        struct pollfd fds[] = { { .fd = w->control, .events = POLLIN },
                                { .fd = w->signals, .events = POLLIN },
                                { .fd = threads_ended_fd(), .events = POLLIN } };
        if (poll(fds, 3, shutdown_timeout(&w->shutdown)) < 0)
            continue;
        clock_refresh();
        if (fds[1].revents)
            handle_signals(w);
        if (fds[0].revents)
            read_supervisor(w);
    }
}

static void
log_claim(const char *claim, const char *file, int line)
{
    report(LEVEL_ALERT, 0, "claim failed: %s at %s:%d", claim, file, line);
}

_Noreturn void
worker_main(const struct worker_start *b)
{
    struct worker w = { .options = b->options, .snapshot = b->snapshot, .control = b->control };
    const struct process_settings *p = process_settings_of(b->snapshot);
    w.signals = signals_open();
    title_set("worker process", false);
    shutdown_init(&w.shutdown);
    arena_init(&w.arena, 0);
    crash_handler_install();
    must_report_to(log_claim);
    if (!privileges_drop(p))
        exit(WORKER_FATAL);
    if (!threads_start(process_threads(p), w.snapshot, b->sockets, false))
        _exit(WORKER_FATAL);
    tell_supervisor(&w, HANDOVER_READY, 0);
    serve(&w);
    arena_fini(&w.arena);
    shutdown_exit(w.snapshot);
}
