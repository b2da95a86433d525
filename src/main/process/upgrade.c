/* The new program is this one's child and learns its sockets from the environment. */
#include "main/process/upgrade.h"

#include "main/process/ticket_handover.h"
#include "main/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUFFIX ".oldbin"

static void
rename_pid(struct supervisor *s, const char *to, size_t n)
{
    char *path = strndup(to, n);
    if (rename(s->pid_path.p, path) < 0)
        report(LEVEL_ALERT, errno, "rename %s to %s failed", s->pid_path.p, path);
    free((void *)(uintptr_t)s->pid_path.p);
    s->pid_path = str_of(path);
}

static void
set_pid_aside(struct supervisor *s)
{
    char old[PATH_MAX];
    if (s->pid_path.n == 0)
        return;
    int n = snprintf(old, sizeof old, "%s" SUFFIX, s->pid_path.p);
    rename_pid(s, old, (size_t)n);
}

static void
bring_pid_back(struct supervisor *s)
{
    if (str_ends(s->pid_path, STR(SUFFIX)))
        rename_pid(s, s->pid_path.p, s->pid_path.n - strlen(SUFFIX));
}

/* In the child. */
_Noreturn static void
become(struct supervisor *s)
{
    char *sockets = sockets_export(&s->sockets);
    setenv("USHER_LISTENERS", sockets, 1);
    ticket_handover_export();
    /* execvp would have the shell read a file that is no program. */
    if (strchr(s->options->argv[0], '/'))
        execv(s->options->argv[0], s->options->argv);
    else
        execvp(s->options->argv[0], s->options->argv);
    report(LEVEL_ALERT, errno, "execve() failed while executing new binary process \"%s\"",
           s->options->argv[0]);
    _exit(1);
}

void
upgrade_begin(struct supervisor *s)
{
    bool parent_lives = s->parent > 0 && getppid() == s->parent;
    if (s->state >= QUITTING || s->successor > 0 || parent_lives) {
        report(LEVEL_NOTICE, 0,
               "changing binary signal is ignored: you should shutdown or terminate "
               "before either old or new binary's process");
        return;
    }
    report(LEVEL_NOTICE, 0, "changing binary");
    set_pid_aside(s);
    pid_t pid = fork();
    if (pid == 0)
        become(s);
    if (pid < 0) {
        report(LEVEL_ALERT, errno, "fork() failed while spawning \"new binary process\"");
        bring_pid_back(s);
        return;
    }
    s->successor = pid;
    report(LEVEL_NOTICE, 0, "start new binary process %d", (int)pid);
}

void
upgrade_failed(struct supervisor *s, int status)
{
    if (WIFSIGNALED(status))
        report(LEVEL_ALERT, 0, "new binary process %d exited on signal %d", (int)s->successor,
               WTERMSIG(status));
    else
        report(LEVEL_NOTICE, 0, "new binary process %d exited with code %d", (int)s->successor,
               WEXITSTATUS(status));
    s->successor = 0;
    bring_pid_back(s);
    (void)supervisor_write_pid(s); /* a reload meanwhile may have named another */
}
