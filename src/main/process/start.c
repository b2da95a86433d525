/* The start: compile, open, bind, leave the terminal, write the pid file, in an order in which each
 * failure is still told to whoever typed the command. */
#include "main/process/start.h"

#include "exchange/secure/tls_server.h"
#include "main/configuration.h"
#include "main/process/signals.h"
#include "main/process/single_process.h"
#include "main/process/ticket_handover.h"
#include "main/report.h"
#include "main/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The daemon's way to tell the process that was typed how the start went. */
static int parent_waits = -1;

static void
started(void)
{
    if (parent_waits < 0)
        return;
    (void)!write(parent_waits, "", 1);
    close(parent_waits);
    parent_waits = -1;
}

/* A daemon holds no terminal: what is said to stderr all the same (by a library) is in the error
 * log. */
static void
release_terminal(const struct snapshot *s)
{
    report_to_log();
    if (parent_waits < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int error_log = configuration_error_fd(s);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(error_log == STDERR_FILENO ? null : error_log, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

/* The parent returns to the shell with the child's success or failure. */
_Noreturn static void
wait_for_start(int from)
{
    char byte;
    ssize_t n;
    do
        n = read(from, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

static bool
leave_terminal(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    pid_t pid = fork();
    if (pid < 0) {
        report(LEVEL_EMERG, errno, "fork() failed");
        return false;
    }
    if (pid > 0) {
        close(ends[1]);
        wait_for_start(ends[0]);
    }
    close(ends[0]);
    parent_waits = ends[1];
    if (setsid() < 0)
        report(LEVEL_EMERG, errno, "setsid() failed");
    umask(0);
    return true;
}

static void
announce(void)
{
    struct utsname os;
    struct rlimit files;
    report(LEVEL_NOTICE, 0, "using the \"epoll\" event method");
    report(LEVEL_NOTICE, 0, "usher/" USHER_VERSION);
    if (uname(&os) == 0)
        report(LEVEL_NOTICE, 0, "OS: %s %s", os.sysname, os.release);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        report(LEVEL_NOTICE, 0, "getrlimit(RLIMIT_NOFILE): %llu:%llu",
               (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
}

static bool
open_all(struct supervisor *s, struct diags *d)
{
    const struct process_settings *p = process_settings_of(s->snapshot);
    if (!configuration_open_logs(s->snapshot, d))
        return false;
    configuration_use_logs(s->snapshot);
    report_warnings_to_log(d);
    tls_servers_tell_broken(s->snapshot);
    sockets_inherit(&s->sockets);
    bool inherited = s->sockets.inherited != NULL;
    s->parent = inherited ? getppid() : 0;
    if (!sockets_open(&s->sockets, s->snapshot, process_threads(p)))
        return false;
    sockets_settle(&s->sockets, s->snapshot);
    announce();
    if (p->daemon && !inherited && s->options->text.p == NULL && !leave_terminal())
        return false;
    return supervisor_write_pid(s);
}

int
start(const struct options *o)
{
    struct diags d;
    struct supervisor s = { .options = o, .signals = -1 };
    ticket_handover_take();
    s.snapshot = configuration_compile(o, NULL, &d);
    report_diags(&d, false);
    if (d.errors) {
        snapshot_free(s.snapshot);
        return 1;
    }
    snapshot_hold(s.snapshot);
    s.signals = signals_open();
    if (!open_all(&s, &d)) {
        sockets_close(&s.sockets, true);
        error_log_set_global(NULL);
        snapshot_drop(s.snapshot);
        return 1;
    }
    release_terminal(s.snapshot);
    if (o->text.p)
        fprintf(stderr,
                "usher proxies at " STR_FMT "; each request is a line below. Ctrl-C ends it.\n",
                STR_ARG(s.sockets.first->text));
    if (!process_settings_of(s.snapshot)->master_process)
        single_run(&s, started);
    return supervisor_run(&s, started);
}
