/* Reports, on one path to two places. */
#include "main/report.h"

#include "main/command/version.h"
#include "observe/log.h"

#include <unistd.h>

static bool to_terminal = true, to_log;

void
report_to_log(void)
{
    to_terminal = false;
}

void
report_log_opened(void)
{
    to_log = true;
}

/* The terminal was told already. */
static bool
is_terminal(const struct error_log *l)
{
    for (unsigned i = 0; i < l->n; i++)
        if (str_eq(log_file_path(l->targets[i].file), STR("stderr")))
            return true;
    return false;
}

static void
tell(enum log_level level, int error, const char *line)
{
    if (to_terminal && level <= LEVEL_WARN) {
        fprintf(stderr, "%s: [%s] %s", program_name(), log_level_name(level), line);
        if (error)
            fprintf(stderr, " (%d: %s)", error, strerror(error));
        fputc('\n', stderr);
    }
    if (to_terminal && is_terminal(error_log_global()))
        return;
    if (to_log && error)
        log_write_errno(error_log_global(), level, 0, error, "%s", line);
    else if (to_log)
        log_write(error_log_global(), level, 0, "%s", line);
}

void
report(enum log_level level, int error, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    tell(level, error, line);
}

void
report_hint(const char *hint)
{
    if (to_terminal)
        fprintf(stderr, "      | %s\n", hint);
}

static void
report_diag(const struct diag *diag, struct arena *a)
{
    struct buf line, excerpt;
    buf_init(&line, a, 256, 4096);
    diag_line(diag, &line);
    buf_init(&excerpt, a, 256, 4096);
    diag_excerpt(diag, &excerpt);
    struct str below = buf_str(&excerpt);
    while (below.n && below.p[below.n - 1] == '\n')
        below.n--;
    buf_printf(&line, "%s" STR_FMT "%c", below.n ? "\n" : "", STR_ARG(below), '\0');
    tell(diag->level, 0, line.full ? "(a problem too long to tell)" : line.p);
}

void
report_diags(const struct diags *d, bool quiet)
{
    struct arena a;
    arena_init(&a, 0);
    for (const struct diag *diag = d->first; diag; diag = diag->next)
        if (!quiet || diag->level < LEVEL_WARN)
            report_diag(diag, &a);
    arena_fini(&a);
}

void
report_warnings_to_log(const struct diags *d)
{
    bool terminal = to_terminal;
    if (terminal && is_terminal(error_log_global()))
        return;
    to_terminal = false;
    report_diags(d, false);
    to_terminal = terminal;
}
