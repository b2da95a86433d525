/* The worker process: forked by the supervisor with a compiled configuration and open sockets,
 * serves until told to end. */
#pragma once

#include "main/command/options.h"
#include "main/process/sockets.h"

enum { WORKER_FATAL = 2 }; /* exit code: starting it again would not help */

struct worker_start {
    const struct options *options;
    struct snapshot *snapshot; /* one hold comes with it */
    struct sockets *sockets;   /* this process's copies of the sockets */
    int control;               /* its end of handover_pair */
};

_Noreturn void worker_main(const struct worker_start *b);
