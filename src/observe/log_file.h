/* Inside a destination; for the observe room only. */
#pragma once

#include "observe/log.h"

enum log_kind { LOG_TO_FILE, LOG_TO_STDERR, LOG_TO_SYSLOG };

struct syslog;

struct log_file {
    struct log_file *next;
    enum log_kind kind;
    struct str path;      /* absolute; the registry's own memory */
    bool secret;          /* for its owner's eyes only */
    _Atomic int fd;       /* -1: not open */
    _Atomic bool regular; /* writes to it do not wait for a reader */
    uint64_t wanted_by;   /* id of the compile that named it last */
    struct syslog *syslog;
    _Atomic uint64_t complained_ms;   /* when a failed write was last reported */
    _Atomic uint64_t impatient_until; /* until then its reader is not waited for */
};

/* Finds or makes the destination of that name; locks the registry. wanted_by 0: nobody's wish. */
struct log_file *log_file_named(struct str path, enum log_kind kind, uint64_t wanted_by);
/* One write, at once. Lost when the destination cannot take it now. severity is for syslog: 0 …
 * 7, or -1 for the destination's own. */
void log_file_put(struct log_file *f, struct str line, int severity);
