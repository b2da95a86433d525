/* Compiling what the command line names, and telling what is wrong with it. */
#include "main/configuration.h"

#include "fiber/crash.h"
#include "main/command/version.h"
#include "main/registry.h"
#include "main/report.h"
#include "main/settings.h"

#include <unistd.h>

struct snapshot *
configuration_compile(const struct options *o, const struct sources *sealed, struct diags *d)
{
    struct snapshot_request r = {
        .path = o->conf,
        .text = o->text,
        .directives = o->directives,
        .prefix = o->prefix,
        .sources = sealed,
        .sets = registry_sets(),
    };
    log_default_error = o->error_log;
    log_default_access = o->access_log;
    struct snapshot *s = snapshot_compile(&r, d);
    if (d->errors && o->pid.n && access(o->conf.p, F_OK) < 0)
        diag_hint(d, d->first,
                  "-c FILE names another; without a file: usher proxy --from :8080 --to HOST:PORT");
    return s;
}

struct wanted_file {
    struct str path;
    int fd;
};

static void
take_if_wanted(void *arg, struct str path, int fd)
{
    struct wanted_file *wanted = arg;
    if (str_eq(path, wanted->path))
        wanted->fd = fd;
}

int
configuration_error_fd(const struct snapshot *s)
{
    struct wanted_file wanted = { .fd = STDERR_FILENO };
    if (s->error_log->n)
        wanted.path = log_file_path(s->error_log->targets[0].file);
    log_files_each(take_if_wanted, &wanted);
    return wanted.fd;
}

bool
configuration_open_logs(struct snapshot *s, struct diags *d)
{
    unsigned before = d->errors;
    bool fine = log_files_open(&s->compile);
    if (d->errors > before)
        report_diags(d, true);
    return fine;
}

void
configuration_use_logs(struct snapshot *s)
{
    error_log_set_global(s->error_log);
    report_log_opened();
    crash_report_to(configuration_error_fd(s));
}

struct str
configuration_pid(const struct options *o, struct snapshot *s)
{
    struct str named = process_settings_of(s)->pid;
    if (o->pid.n == 0)
        return STR_NONE;
    return named.n ? compile_path(&s->compile, named) : o->pid;
}

int
configuration_test(const struct options *o)
{
    struct diags d;
    struct snapshot *s = configuration_compile(o, NULL, &d);
    const char *name = program_name();
    bool fine = d.errors == 0;
    report_diags(&d, o->quiet);
    if (fine && !o->quiet)
        fprintf(stderr,
                "%s: the configuration file " STR_FMT " syntax is ok\n"
                "%s: configuration file " STR_FMT " test is successful\n",
                name, STR_ARG(o->conf), name, STR_ARG(o->conf));
    if (!fine)
        fprintf(stderr, "%s: configuration file " STR_FMT " test failed\n", name, STR_ARG(o->conf));
    if (fine && o->dump)
        sources_print(&s->sources, STDOUT_FILENO);
    snapshot_free(s);
    return fine ? 0 : 1;
}
