/* The worker process: forked by the supervisor with a compiled configuration and open sockets,
 * serves until told to end. */
#pragma once

#include "main/holdings.h"
#include "main/options.h"

enum { WORKER_FATAL = 2 }; /* exit code: starting it again would not help */

struct birth {
    const struct options *options;
    struct snapshot *snapshot; /* one hold comes with it */
    struct holdings *holdings; /* this process's copies of the sockets */
    int control;               /* its end of handover_pair */
};

_Noreturn void worker_live(const struct birth *b);
