/* The registry of destinations, their descriptors and plain writes. */
#include "observe/log_file.h"

#include "base/clock.h"
#include "base/must.h"
#include "observe/syslog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_FOR_READER_MS = 10, IMPATIENT_MS = 1000, COMPLAIN_EVERY_MS = 60000 };

struct str log_default_error = { "logs/error.log", 14 };
struct str log_default_access = { "logs/access.log", 15 };

/* Guards the list, which only grows: threads that write hold pointers, and never take it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_file *files;

static struct str
copy(struct str s)
{
    char *p = malloc(s.n + 1);
    must(p);
    memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return (struct str){ p, s.n };
}

static struct log_file *
find(struct str path)
{
    struct log_file *f = files;
    while (f && !str_eq(f->path, path))
        f = f->next;
    return f;
}

static struct log_file *
make(struct str path, enum log_kind kind)
{
    struct log_file *f = calloc(1, sizeof *f);
    must(f);
    f->kind = kind;
    f->path = copy(path);
    f->fd = kind == LOG_TO_STDERR ? STDERR_FILENO : -1;
    f->next = files;
    files = f;
    return f;
}

struct log_file *
log_file_named(struct str path, enum log_kind kind, uint64_t wanted_by)
{
    pthread_mutex_lock(&lock);
    struct log_file *f = find(path);
    if (f == NULL)
        f = make(path, kind);
    if (wanted_by)
        f->wanted_by = wanted_by;
    pthread_mutex_unlock(&lock);
    return f;
}

struct log_file *
log_file_default(struct compile *c, struct str path)
{
    if (str_eq(path, STR("stderr")))
        return log_file_named(path, LOG_TO_STDERR, c->id);
    return log_file_named(compile_path(c, path), LOG_TO_FILE, c->id);
}

struct log_file *
log_file_get(struct setting *s, unsigned word, struct str path)
{
    if (!str_starts(path, STR("syslog:")))
        return log_file_default(s->compile, path);
    struct syslog *syslog = syslog_parse(s, word, str_skip(path, 7));
    if (syslog == NULL)
        return NULL;
    struct log_file *f = log_file_named(path, LOG_TO_SYSLOG, s->compile->id);
    pthread_mutex_lock(&lock);
    if (f->syslog)
        syslog_free(syslog);
    else
        f->syslog = syslog;
    pthread_mutex_unlock(&lock);
    return f;
}

struct log_file *
log_file_secret(struct compile *c, struct str path)
{
    struct log_file *f = log_file_named(compile_path(c, path), LOG_TO_FILE, c->id);
    f->secret = true;
    return f;
}

struct str
log_file_path(const struct log_file *f)
{
    return f->path;
}

bool
log_file_is_syslog(const struct log_file *f)
{
    return f->kind == LOG_TO_SYSLOG;
}

/* --- descriptors --- */

static bool
is_default(const struct log_file *f)
{
    return str_eq(f->path, log_default_error) || str_eq(f->path, log_default_access);
}

/* The directory of the logs that nobody named need not be made by hand. */
static void
make_directory(const struct log_file *f)
{
    char path[PATH_MAX];
    size_t n = f->path.n;
    while (n && f->path.p[n - 1] != '/')
        n--;
    if (n < 2 || n >= sizeof path)
        return;
    memcpy(path, f->path.p, n - 1);
    path[n - 1] = '\0';
    (void)mkdir(path, 0755);
}

/* Standard output may be a pipe of another user's, or a socket, as under systemd: what cannot be
 * opened by its name is open already. -1 and errno as it was for every other path. */
static int
open_standard(const struct log_file *f)
{
    bool out = str_eq(f->path, STR("/dev/stdout")), err = str_eq(f->path, STR("/dev/stderr"));
    if ((errno != EACCES && errno != ENXIO) || !(out || err))
        return -1;
    return fcntl(out ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int
open_path(const struct log_file *f)
{
    enum { FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY };
    int fd = open(f->path.p, FLAGS, f->secret ? 0600 : 0644);
    if (fd < 0)
        fd = open_standard(f);
    if (fd >= 0 || errno != ENOENT || !is_default(f))
        return fd;
    make_directory(f);
    return open(f->path.p, FLAGS, f->secret ? 0600 : 0644);
}

/* Takes fd; over an open one it goes in place, so that writers of this moment hit either. */
static void
install(struct log_file *f, int fd)
{
    struct stat st;
    f->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (f->fd < 0) {
        f->fd = fd;
        return;
    }
    while (dup3(fd, f->fd, O_CLOEXEC) < 0 && (errno == EINTR || errno == EBUSY))
        continue;
    close(fd);
}

static bool
open_wanted(struct log_file *f, struct compile *c)
{
    if (f->kind == LOG_TO_SYSLOG) {
        syslog_open(f->syslog);
        return true;
    }
    int fd = f->fd < 0 ? open_path(f) : -1;
    if (fd >= 0)
        install(f, fd);
    if (f->fd >= 0)
        return true;
    struct diag *diag = diag_add(c->diags, LEVEL_EMERG, (struct span){ 0 },
                                 "open() \"" STR_FMT "\" failed (%d: %s)", STR_ARG(f->path), errno,
                                 strerror(errno));
    if (is_default(f))
        diag_hint(c->diags, diag, "-p DIR keeps logs and pid file in DIR/logs");
    return false;
}

bool
log_files_open(struct compile *c)
{
    bool all = true;
    pthread_mutex_lock(&lock);
    for (struct log_file *f = files; f; f = f->next)
        if (f->wanted_by == c->id)
            all &= open_wanted(f, c);
    pthread_mutex_unlock(&lock);
    return all;
}

static void
reopen(struct log_file *f)
{
    int fd = open_path(f);
    if (fd >= 0)
        install(f, fd);
    else
        log_write(error_log_global(), LEVEL_EMERG, 0, "open() \"" STR_FMT "\" failed (%d: %s)",
                  STR_ARG(f->path), errno, strerror(errno));
}

void
log_files_reopen(void)
{
    pthread_mutex_lock(&lock);
    for (struct log_file *f = files; f; f = f->next)
        if (f->kind == LOG_TO_FILE && f->fd >= 0)
            reopen(f);
    pthread_mutex_unlock(&lock);
}

void
log_files_each(void (*fn)(void *arg, struct str path, int fd), void *arg)
{
    pthread_mutex_lock(&lock);
    for (struct log_file *f = files; f; f = f->next)
        if (f->kind == LOG_TO_FILE && f->fd >= 0)
            fn(arg, f->path, f->fd);
    pthread_mutex_unlock(&lock);
}

void
log_files_adopt(struct str path, int fd)
{
    struct log_file *f = log_file_named(path, LOG_TO_FILE, 0);
    pthread_mutex_lock(&lock);
    install(f, fd);
    pthread_mutex_unlock(&lock);
}

/* --- writing --- */

/* A reader that lets one line wait in vain is not waited for again for a while: every line's wait
 * would be all clients' wait. */
static bool
takes_now(struct log_file *f)
{
    struct pollfd p = { .fd = f->fd, .events = POLLOUT };
    if (f->regular)
        return true;
    bool patient = clock_ms() >= f->impatient_until;
    if (poll(&p, 1, patient ? WAIT_FOR_READER_MS : 0) != 0)
        return true;
    if (patient)
        f->impatient_until = clock_in(IMPATIENT_MS);
    return false;
}

/* At most once a minute, and never about the error log's own file into itself. */
static void
complain(struct log_file *f, int error)
{
    const struct error_log *l = error_log_global();
    uint64_t now = clock_ms(), before = f->complained_ms;
    for (unsigned i = 0; i < l->n; i++)
        if (l->targets[i].file == f)
            return;
    if (before && now - before < COMPLAIN_EVERY_MS)
        return;
    f->complained_ms = now;
    log_write_errno(l, LEVEL_ALERT, 0, error, "write() to \"" STR_FMT "\" failed",
                    STR_ARG(f->path));
}

void
log_file_put(struct log_file *f, struct str line, int severity)
{
    ssize_t n = -1;
    if (f->kind == LOG_TO_SYSLOG) {
        syslog_send(f->syslog, line, severity);
        return;
    }
    if (f->fd < 0)
        return;
    errno = EAGAIN;
    if (takes_now(f))
        do
            n = write(f->fd, line.p, line.n);
        while (n < 0 && errno == EINTR);
    if (n < 0)
        complain(f, errno);
}
