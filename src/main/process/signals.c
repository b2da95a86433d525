/* signalfd(2): no handler ever runs, so nothing has to be async-signal-safe but the crash report.
 */
#include "main/process/signals.h"

#include "main/report.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct row {
    int number;
    const char *name, *say;
    enum signal_order order;
} rows[] = {
    { SIGHUP, "SIGHUP", ", reconfiguring", ORDER_RELOAD },
    { SIGUSR1, "SIGUSR1", ", reopening logs", ORDER_REOPEN },
    { SIGUSR2, "SIGUSR2", ", changing binary", ORDER_UPGRADE },
    { SIGWINCH, "SIGWINCH", ", stop accepting connections", ORDER_STOP_WORKERS },
    { SIGQUIT, "SIGQUIT", ", shutting down", ORDER_QUIT },
    { SIGTERM, "SIGTERM", ", exiting", ORDER_TERMINATE },
    { SIGINT, "SIGINT", ", exiting", ORDER_TERMINATE },
    { SIGCHLD, "SIGCHLD", "", ORDER_CHILD },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

int
signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < ROWS; i++)
        sigaddset(&set, rows[i].number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* A forked child makes its own: what the parent's descriptor is polled for is the parent's. */
    static int former = -1;
    if (former >= 0)
        close(former);
    return former = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

enum signal_order
signals_next(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info)
        return ORDER_NONE;
    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (r->number != (int)info.ssi_signo)
            continue;
        if (r->order == ORDER_STOP_WORKERS && info.ssi_code == SI_KERNEL)
            return ORDER_IGNORED; /* a terminal was resized */
        report(LEVEL_NOTICE, 0, "signal %d (%s) received from %d%s", r->number, r->name,
               (int)info.ssi_pid, r->say);
        return r->order;
    }
    return ORDER_NONE;
}

int
signals_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {
        { "stop", SIGTERM }, { "quit", SIGQUIT }, { "reopen", SIGUSR1 }, { "reload", SIGHUP }
    };
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].number;
    return 0;
}
