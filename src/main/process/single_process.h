/* master_process off: one process that holds the sockets and serves. */
#pragma once

#include "main/process/supervisor.h"

/* Serves until told to end; as supervisor_run. Uses what the supervisor's struct holds, but no
 * worker processes. */
_Noreturn void single_run(struct supervisor *s, void (*started)(void));
