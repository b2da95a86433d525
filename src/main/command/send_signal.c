/* The configuration names the pid file, the pid file the process. */
#include "main/command/send_signal.h"

#include "main/configuration.h"
#include "main/process/pidfile.h"
#include "main/process/signals.h"
#include "main/report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static int
send_to(struct str path, int number)
{
    pid_t pid;
    char text[32];
    int why;
    if (pidfile_read(path, &pid, text, &why)) {
        if (kill(pid, number) == 0)
            return 0;
        report(LEVEL_ALERT, errno, "kill(%d, %d) failed", (int)pid, number);
    } else if (why) {
        report(LEVEL_ERROR, why, "open() \"" STR_FMT "\" failed", STR_ARG(path));
        if (why == ENOENT)
            fputs("      | is it running? -c and -p must be those that it was started with\n",
                  stderr);
    } else {
        report(LEVEL_ERROR, 0, "invalid PID number \"%s\" in \"" STR_FMT "\"", text, STR_ARG(path));
    }
    return 1;
}

/* A faulty file is no reason not to stop: what a reload would refuse is refused here, and a file
 * that is not there. */
static bool
is_hindered(const struct options *o, const struct snapshot *s, const struct diags *d)
{
    bool unread = o->text.p == NULL && s->sources.first == NULL;
    return d->errors && (unread || strcmp(o->signal, "reload") == 0);
}

int
send_signal(const struct options *o)
{
    struct diags d;
    struct snapshot *s = configuration_compile(o, NULL, &d);
    bool hindered = is_hindered(o, s, &d);
    if (hindered)
        report_diags(&d, false);
    int code = hindered ? 1 : send_to(configuration_pid(o, s), signals_number(o->signal));
    snapshot_free(s);
    return code;
}
