/* Lines of the error log. */
#include "observe/log.h"

#include "base/must.h"
#include "http/date.h"
#include "observe/log_file.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static struct log_file to_stderr = {
    .kind = LOG_TO_STDERR,
    .path = { "stderr", 6 },
    .fd = STDERR_FILENO,
};
static struct error_target first_target = { &to_stderr, LEVEL_NOTICE };
static const struct error_log first = { &first_target, 1, LEVEL_NOTICE };
static const struct error_log *_Atomic global = &first;

/* Copies of all that were ever global: other threads may hold any of them. Few, as a configuration
 * that logs to the same places finds its copy. */
struct kept {
    struct kept *next;
    struct error_log log;
    struct error_target targets[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *all_kept;

static bool
same(const struct error_log *a, const struct error_log *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (a->targets[i].file != b->targets[i].file || a->targets[i].level != b->targets[i].level)
            return false;
    return true;
}

static const struct error_log *
keep(const struct error_log *l)
{
    struct kept *k = all_kept;
    while (k && !same(&k->log, l))
        k = k->next;
    if (k)
        return &k->log;
    k = calloc(1, sizeof *k + l->n * sizeof *k->targets);
    must(k);
    for (unsigned i = 0; i < l->n; i++)
        k->targets[i] = l->targets[i];
    k->log = (struct error_log){ k->targets, l->n, l->level };
    k->next = all_kept;
    all_kept = k;
    return &k->log;
}

void
error_log_set_global(const struct error_log *l)
{
    pthread_mutex_lock(&lock);
    global = l ? keep(l) : &first;
    pthread_mutex_unlock(&lock);
}

const struct error_log *
error_log_global(void)
{
    return global;
}

const char *
log_level_name(enum log_level level)
{
    static const char *const names[] = { "stderr", "emerg",  "alert", "crit", "error",
                                         "warn",   "notice", "info",  "debug" };
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : "debug";
}

/* Room for n more bytes and the newline; what does not fit is cut. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t n;
};

static void
put(struct line *line, struct str s)
{
    size_t room = sizeof line->text - 1 - line->n;
    size_t n = s.n < room ? s.n : room;
    if (n)
        memcpy(line->text + line->n, s.p, n);
    line->n += n;
}

__attribute__((format(printf, 2, 0))) static void
put_args(struct line *line, const char *format, va_list args)
{
    size_t room = sizeof line->text - line->n;
    int n = vsnprintf(line->text + line->n, room, format, args);
    if (n > 0)
        line->n += (size_t)n < room - 1 ? (size_t)n : room - 1;
}

__attribute__((format(printf, 2, 3))) static void
put_format(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_args(line, format, args);
    va_end(args);
}

static void
begin(struct line *line, enum log_level level, uint64_t connection)
{
    line->n = 0;
    put(line, date_error_log_now());
    put_format(line, " [%s] %d#%d: ", log_level_name(level), getpid(), gettid());
    if (connection)
        put_format(line, "*%llu ", (unsigned long long)connection);
}

static void
put_errno(struct line *line, int error)
{
    const char *text = strerrordesc_np(error);
    put_format(line, " (%d: %s)", error, text ? text : "Unknown error");
}

static void
send(struct line *line, const struct error_log *l, enum log_level level)
{
    line->text[line->n++] = '\n';
    for (unsigned i = 0; i < l->n; i++) {
        if (l->targets[i].level >= level)
            log_file_put(l->targets[i].file, (struct str){ line->text, line->n }, (int)level - 1);
    }
}

void
log_write(const struct error_log *l, enum log_level level, uint64_t connection, const char *format,
          ...)
{
    struct line line;
    va_list args;
    if (!log_wants(l, level))
        return;
    begin(&line, level, connection);
    va_start(args, format);
    put_args(&line, format, args);
    va_end(args);
    send(&line, l, level);
}

void
log_write_errno(const struct error_log *l, enum log_level level, uint64_t connection, int error,
                const char *format, ...)
{
    struct line line;
    va_list args;
    if (!log_wants(l, level))
        return;
    begin(&line, level, connection);
    va_start(args, format);
    put_args(&line, format, args);
    va_end(args);
    put_errno(&line, error < 0 ? -error : error);
    send(&line, l, level);
}
