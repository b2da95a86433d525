/* Off-load threads: blocking work (file system, slow hashes, signatures) away from the loops.
 *
 * A process-wide pool, started by the first call, `offload_threads` of them (default 4, set before
 * first use). */
#pragma once

#include "fiber/fiber.h"

typedef void offload_fn(void *arg);

void offload_threads_set(unsigned n);
/* Only from a fiber, which is parked while fn(arg) runs in an off-load thread. Uncancellable: arg
 * may live on the caller's stack. */
void offload(offload_fn *fn, void *arg);
/* Stops and joins the threads; at exit, when no work is under way. */
void offload_fini(void);
