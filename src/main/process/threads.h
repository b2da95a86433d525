/* The loop threads of this process: begun together, told together, ended together.
 *
 * All calls belong to the one thread that watches over the process; it runs no loop itself. */
#pragma once

#include "main/process/sockets.h"
#include "main/settings.h"

/* Starts n threads that adopt the snapshot and accept on their share of the sockets' sockets, and
 * waits until all do. The descriptors are theirs from now on: the sockets are empty after it.
 * `keep` duplicates them instead, for a process that holds sockets itself (master_process off).
 * False when one failed (reported). */
bool threads_start(unsigned n, struct snapshot *s, struct sockets *h, bool keep);

/* What a reload changes. */
struct change {
    struct snapshot *snapshot;
    struct change_listen {
        struct change_listen *next;
        struct str text;
        unsigned number; /* which of the address's sockets; the number of sockets with gone */
        int fd;          /* taken */
        bool gone;
    } * listens;
};

/* Every thread adopts the snapshot and opens and closes its listeners; waits until all have. */
void threads_change(const struct change *c);
/* Every thread writes its buffered log lines; waits until all have. */
void threads_flush(void);
/* No more accepting, idle connections close, exchanges finish; each thread ends with its last. */
void threads_drain(void);
/* Exchanges are cut short. After threads_drain. */
void threads_kill(void);
/* Readable when a thread has ended (poll it, then ask threads_left). */
int threads_ended_fd(void);
unsigned threads_left(void);
/* Joins the threads that have ended. Call when none is left. */
void threads_join(void);
