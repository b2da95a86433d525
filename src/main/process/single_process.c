/* For debuggers and containers that count processes. Nobody restarts it, and it keeps the rights it
 * has. */
#include "main/process/single_process.h"

#include "exchange/secure/tls_server.h"
#include "fiber/crash.h"
#include "main/configuration.h"
#include "main/process/pidfile.h"
#include "main/process/shutdown.h"
#include "main/process/signals.h"
#include "main/process/threads.h"
#include "main/report.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The supervisor's sockets stay its own: threads get duplicates. */
static void
add_listens(struct change *c, const struct socket_group *h, struct arena *a)
{
    bool gone = snapshot_listen(c->snapshot, h->text) == NULL;
    for (unsigned i = gone ? 0 : h->kept; i < (gone ? 1 : h->n); i++) {
        struct change_listen *l = arena_new(a, struct change_listen);
        *l = (struct change_listen){ c->listens, h->text, gone ? h->n : i,
                                     gone ? -1 : fcntl(h->fds[i], F_DUPFD_CLOEXEC, 0), gone };
        c->listens = l;
    }
}

static void
publish(struct supervisor *s, struct snapshot *new)
{
    struct arena a;
    struct snapshot *former = s->snapshot;
    struct change c = { .snapshot = new };
    arena_init(&a, 0);
    for (const struct socket_group *h = s->sockets.first; h; h = h->next)
        add_listens(&c, h, &a);
    snapshot_hold(new);
    s->snapshot = new;
    threads_change(&c);
    sockets_settle(&s->sockets, new);
    (void)supervisor_write_pid(s);
    snapshot_drop(former);
    arena_fini(&a);
    report(LEVEL_NOTICE, 0, "configuration reloaded, generation %u", (unsigned)new->generation);
}

static void
reload_here(struct supervisor *s)
{
    struct diags d;
    report(LEVEL_NOTICE, 0, "reconfiguring");
    struct snapshot *new = configuration_compile(s->options, NULL, &d);
    report_diags(&d, false);
    if (d.errors == 0 && configuration_open_logs(new, &d) &&
        sockets_open(&s->sockets, new, thread_count)) {
        configuration_use_logs(new);
        tls_servers_tell_broken(new);
        publish(s, new);
    } else {
        snapshot_free(new);
    }
}

static void
reopen_here(void)
{
    report(LEVEL_NOTICE, 0, "reopening logs");
    threads_flush();
    log_files_reopen();
}

static void
handle_message(struct supervisor *s, struct shutdown *e, enum signal_order o)
{
    if (o == ORDER_CHILD) /* as process 1 of a container it inherits orphans */
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    else if (o == ORDER_RELOAD && e->how == SHUTDOWN_NOT)
        reload_here(s);
    else if (o == ORDER_REOPEN)
        reopen_here();
    else if (o == ORDER_QUIT || o == ORDER_STOP_WORKERS)
        shutdown_drain(e, process_settings_of(s->snapshot)->worker_shutdown_timeout.ms);
    else if (o == ORDER_TERMINATE)
        shutdown_terminate(e);
    if (e->how != SHUTDOWN_NOT)
        sockets_close(&s->sockets, true);
}

static void
serve(struct supervisor *s)
{
    struct shutdown shutdown;
    shutdown_init(&shutdown);
    while (!shutdown_reached(&shutdown)) {
        struct pollfd fds[] = { { .fd = s->signals, .events = POLLIN },
                                { .fd = threads_ended_fd(), .events = POLLIN } };
        if (poll(fds, 2, shutdown_timeout(&shutdown)) < 0)
            continue;
        clock_refresh();
        for (enum signal_order o; (o = signals_next(s->signals)) != ORDER_NONE;)
            handle_message(s, &shutdown, o);
    }
}

static void
remove_pid(struct supervisor *s)
{
    if (s->pid_path.n)
        pidfile_remove(s->pid_path);
    free((void *)(uintptr_t)s->pid_path.p);
}

_Noreturn void
single_run(struct supervisor *s, void (*started)(void))
{
    crash_handler_install();
    unsigned threads = process_threads(process_settings_of(s->snapshot));
    if (!threads_start(threads, s->snapshot, &s->sockets, true)) {
        sockets_close(&s->sockets, true);
        remove_pid(s);
        _exit(1);
    }
    started();
    serve(s);
    remove_pid(s);
    shutdown_exit(s->snapshot);
}
