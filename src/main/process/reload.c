/* Reload: everything that may fail comes first; what follows changes the world.
 *
 * Connections outlive it because the worker process does: it gets the text that was read (sealed,
 * so that both compile the same) and the descriptors that only the supervisor may open. */
#include "main/process/reload.h"

#include "config/source_seal.h"
#include "exchange/secure/tls_server.h"
#include "main/configuration.h"
#include "main/process/privileges.h"
#include "main/report.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct sending {
    int to;
    int error; /* the first */
};

static void
send_one(struct sending *s, enum handover_kind kind, unsigned number, struct str text, int fd)
{
    if (s->error == 0)
        s->error = handover_send(s->to, kind, number, text, fd);
}

static void
send_log(void *arg, struct str path, int fd)
{
    send_one(arg, HANDOVER_LOG, 0, path, fd);
}

static void
send_listeners(struct sending *to, const struct sockets *h, const struct snapshot *new)
{
    for (const struct socket_group *each = h->first; each; each = each->next) {
        if (snapshot_listen(new, each->text) == NULL) {
            send_one(to, HANDOVER_UNLISTEN, each->n, each->text, -1);
            continue;
        }
        for (unsigned i = each->kept; i < each->n; i++)
            send_one(to, HANDOVER_LISTEN, i, each->text, each->fds[i]);
    }
}

static int
sealed_sources(const struct snapshot *s)
{
    int fd = memfd_create("usher-sources", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int e = sources_save(&s->sources, fd);
    if (e < 0) {
        close(fd);
        return e;
    }
    (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

/* 0 or -errno. */
static int
send_all(const struct worker_process *w, const struct sockets *h, const struct snapshot *new)
{
    struct sending to = { .to = w->control };
    int sources = sealed_sources(new);
    if (sources < 0)
        return sources;
    log_files_each(send_log, &to);
    send_listeners(&to, h, new);
    send_one(&to, HANDOVER_RELOAD, 0, STR_NONE, sources);
    close(sources);
    return to.error;
}

static void
take(struct supervisor *s, struct snapshot *new)
{
    struct snapshot *former = s->snapshot;
    snapshot_hold(new);
    s->snapshot = new;
    (void)supervisor_write_pid(s);
    file_watch_settle(&s->files, &new->sources);
    snapshot_drop(former);
}

void
reload_replace_worker(struct supervisor *s)
{
    for (struct worker_process *w = s->workers.first; w; w = w->next)
        w->stale = true;
    report(LEVEL_NOTICE, 0, "start worker processes");
    if (workers_spawn(&s->workers, s->options, s->snapshot, &s->sockets))
        s->workers.first->reloaded = true;
}

static void
put_in_force(struct supervisor *s, struct snapshot *new)
{
    struct worker_process *w = workers_serving(&s->workers);
    bool replace = w == NULL || w->stale || w->busy || !w->ready ||
                   process_settings_need_new_worker(process_settings_of(s->snapshot),
                                                    process_settings_of(new));
    int e = replace ? 0 : send_all(w, &s->sockets, new);
    if (e < 0)
        report(LEVEL_ALERT, -e, "the worker process %d did not take the configuration", w->pid);
    s->sockets.shared = supervisor_shares(s);
    sockets_settle(&s->sockets, new);
    take(s, new);
    if (replace || e < 0) {
        reload_replace_worker(s);
        return;
    }
    w->busy = true;
    w->asked_ms = clock_ms();
}

/* The sockets come last: one that is bound and then not wanted would have taken connections. */
static bool
prepare(struct supervisor *s, struct snapshot *new, struct diags *d, bool refused)
{
    if (d->errors || refused)
        return false;
    unsigned threads = process_threads(process_settings_of(new));
    if (!configuration_open_logs(new, d) || !sockets_open(&s->sockets, new, threads))
        return false;
    configuration_use_logs(new);
    tls_servers_tell_broken(new);
    return true;
}

/* Whatever a text and its files do to whoever compiles them (memory may not suffice, a file may
 * shrink while it is mapped) happens to a child first: the supervisor is the service. */
static bool
survives_a_trial(const struct supervisor *s)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct diags d;
        (void)configuration_compile(s->options, NULL, &d);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        return true;
    report(LEVEL_EMERG, 0, "a trial of the configuration ended on signal %d: it is not taken",
           WTERMSIG(status));
    return false;
}

/* A certificate that was served does not end because its file is being written, or was lost. */
static struct snapshot *
keep_certificates(struct supervisor *s, struct snapshot *new, struct diags *d)
{
    struct arena a;
    struct sources kept;
    struct diags again;
    struct snapshot *better = NULL;
    arena_init(&a, 0);
    sources_init(&kept, &a);
    sources_copy(&kept, &new->sources);
    if (sources_take_former(&kept, &new->sources, &s->snapshot->sources))
        better = configuration_compile(s->options, &kept, &again);
    sources_wipe(&kept);
    arena_fini(&a);
    if (better == NULL)
        return new;
    bool fine = again.errors == 0 && tls_servers_broken(better) < tls_servers_broken(new);
    if (fine) {
        report(LEVEL_ERROR, 0, "certificates are broken: what was read before stays in force");
        *d = again;
    }
    snapshot_free(fine ? new : better);
    return fine ? better : new;
}

bool
reload(struct supervisor *s)
{
    report(LEVEL_NOTICE, 0, "reconfiguring");
    struct diags d;
    if (!survives_a_trial(s))
        return false;
    struct snapshot *new = configuration_compile(s->options, NULL, &d);
    report_diags(&d, false);
    if (d.errors == 0 && tls_servers_broken(new))
        new = keep_certificates(s, new, &d);
    bool fine = prepare(s, new, &d, false);
    if (fine)
        put_in_force(s, new);
    else
        snapshot_free(new);
    return fine;
}

static struct snapshot *
compile_renewed(struct supervisor *s, struct diags *d)
{
    struct arena a;
    struct sources renewed;
    arena_init(&a, 0);
    sources_init(&renewed, &a);
    sources_copy(&renewed, &s->snapshot->sources);
    renewed.sealed = true; /* the text may be half edited */
    sources_renew(&renewed);
    struct snapshot *new = configuration_compile(s->options, &renewed, d);
    sources_wipe(&renewed);
    arena_fini(&a);
    return new;
}

bool
reload_files(struct supervisor *s, struct str path, unsigned n)
{
    struct diags d;
    report(LEVEL_NOTICE, 0, "reconfiguring: \"" STR_FMT "\" has changed%s", STR_ARG(path),
           n > 1 ? ", and others" : "");
    struct snapshot *new = compile_renewed(s, &d);
    report_diags(&d, false);
    bool worse = tls_servers_broken(new) > tls_servers_broken(s->snapshot);
    bool fine = prepare(s, new, &d, worse);
    if (fine)
        put_in_force(s, new);
    else
        snapshot_free(new);
    if (worse)
        report(LEVEL_ERROR, 0, "the changed files are broken: what was read before stays in force");
    return fine;
}

/* --- USR1 --- */

struct owner {
    uid_t uid;
    gid_t gid;
};

/* As nginx: a log belongs to the user that writes it. */
static void
give_log(void *arg, struct str path, int fd)
{
    const struct owner *o = arg;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid != o->uid &&
        fchown(fd, o->uid, (gid_t)-1) < 0)
        report(LEVEL_ALERT, errno, "chown(\"" STR_FMT "\", %d) failed", STR_ARG(path), (int)o->uid);
}

void
reload_reopen(struct supervisor *s)
{
    struct str name;
    struct owner owner;
    report(LEVEL_NOTICE, 0, "reopening logs");
    log_files_reopen();
    if (privileges_user(process_settings_of(s->snapshot), &name, &owner.uid, &owner.gid))
        log_files_each(give_log, &owner);
    for (struct worker_process *w = s->workers.first; w; w = w->next) {
        struct sending to = { .to = w->control };
        log_files_each(send_log, &to);
        send_one(&to, HANDOVER_REOPENED, 0, STR_NONE, -1);
        if (to.error < 0 && w->control >= 0)
            report(LEVEL_ALERT, -to.error, "worker process %d did not take the logs", (int)w->pid);
    }
}
