/* The supervisor: the process that was started. It holds the sockets and the rights, reads
 * configurations, and sees to it that a worker serves. It handles no traffic. */
#pragma once

#include "main/process/file_watch.h"
#include "main/process/workers.h"

struct supervisor {
    const struct options *options;
    struct snapshot *snapshot; /* in force; one hold */
    struct sockets sockets;
    struct workers workers;
    struct file_watch files;
    uint64_t dates_at; /* when certificates are looked at again for their dates */
    int signals;
    enum {
        SERVING,
        WITHOUT_WORKERS,
        QUITTING,
        TERMINATING
    } state;               /* WITHOUT_WORKERS: after WINCH */
    struct str pid_path;   /* malloc; STR_NONE: no file */
    pid_t parent;          /* that inherited us its sockets, or 0 */
    pid_t successor;       /* the new program after USR2, or 0 */
    void (*started)(void); /* to be called once; NULL then */
    bool reload_wanted;    /* HUP came while the worker was busy with the one before */
    uint64_t kill_at;      /* TERMINATING: patience ends */
};

/* Writes the pid file (as the snapshot names it), removing the one before. False when it cannot be
 * written (reported). */
bool supervisor_write_pid(struct supervisor *s);
/* Does another program (the former or the next one) hold the same sockets? */
bool supervisor_shares(const struct supervisor *s);
/* Starts the worker and supervises until told to end. `started` is called when
 * the first worker accepts (or died young: it is tried again). The exit code. */
int supervisor_run(struct supervisor *s, void (*started)(void));
