/* Log destinations: files (reopened on USR1, handed over by the supervisor), stderr, syslog; and
 * the error log.
 *
 * A destination is named once per process (same path, same descriptor) and shared by all snapshots
 * that use it; it lives as long as the process. Lines longer than a pipe's atomic write are still
 * one write(2) each on unbuffered logs. A destination that would block (a pipe nobody reads) loses
 * lines rather than time. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "config/compile.h"

struct log_file;

/* "logs/error.log", "stderr", "syslog:server=…,facility=…,tag=…,severity=…", "/dev/stdout".
 * Relative to the prefix. Opening happens in log_files_open. NULL when a syslog destination is
 * malformed: reported at `word` of the setting. */
struct log_file *log_file_get(struct setting *s, unsigned word, struct str path);
/* The same for a path that no setting names (defaults): never NULL, no syslog. */
struct log_file *log_file_default(struct compile *c, struct str path);
/* The same for what only its owner may read. */
struct log_file *log_file_secret(struct compile *c, struct str path);

/* The default paths, relative to the prefix; the program may set them before the first compile. */
extern struct str log_default_error, log_default_access;

/* A compiled error_log setting: destinations with their levels; inherited as a whole. */
struct error_log {
    struct error_target {
        struct log_file *file;
        enum log_level level;
    } * targets;
    unsigned n;
    enum log_level level; /* the most verbose of them: cheap first test */
};

extern const struct directive_set log_directives; /* error_log in every context */
/* The setting of a scope. */
const struct error_log *error_log_of(struct scope *s);
/* What is used when no configuration is at hand; stderr at notice until set, and again after NULL.
 * Copied: l's snapshot may go. Any thread. */
void error_log_set_global(const struct error_log *l);
const struct error_log *error_log_global(void);

static inline bool
log_wants(const struct error_log *l, enum log_level level)
{
    return __builtin_expect(l->level >= level, 0);
}

/* nginx's line: "2026/11/21 03:19:40 [warn] PID#TID: *17 message\n"; connection 0 leaves out "*N ".
 * Level is tested by the callee too. At most 2048 bytes, as nginx; the rest is cut. */
void log_write(const struct error_log *l, enum log_level level, uint64_t connection,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* With " (errno: text)" as nginx writes it: "message (111: Connection refused)". */
void log_write_errno(const struct error_log *l, enum log_level level, uint64_t connection,
                     int error, const char *format, ...) __attribute__((format(printf, 5, 6)));
const char *log_level_name(enum log_level level);

/* Raw lines for access logs: appended to the thread's buffer of this destination when it is
 * buffered, else written at once. line ends with its newline (syslog leaves it out). */
struct log_buffering {
    size_t size;       /* 0: unbuffered */
    uint64_t flush_ms; /* 0: none */
    int gzip;          /* level, 0: no */
};
void log_file_write(struct log_file *f, const struct log_buffering *b, struct str line);
/* All buffers of the calling thread are written and freed (at its end; on USR1 before reopening).
 */
void log_flush_thread(void);
/* Where it goes: a path, "stderr" or the syslog text. */
struct str log_file_path(const struct log_file *f);
bool log_file_is_syslog(const struct log_file *f);

/* --- descriptors; process-wide, called by the supervisor and at reload --- */
/* Opens what the compile names and is not open yet. Problems are added as diags. False when one
 * could not be opened. */
bool log_files_open(struct compile *c);
/* USR1: opens every file anew and swaps the descriptors in place (dup3), so that no thread notices.
 */
void log_files_reopen(void);
/* For handing over: calls fn for each open file with its path and descriptor (no stderr, no
 * syslog). */
void log_files_each(void (*fn)(void *arg, struct str path, int fd), void *arg);
/* The unprivileged side: a descriptor that came from the supervisor for that path (taken). An open
 * file's descriptor is replaced in place. */
void log_files_adopt(struct str path, int fd);
