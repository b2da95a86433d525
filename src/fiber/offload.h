/* Off-load threads: blocking work (file system, slow hashes, signatures) away from the loops.
 *
 * Two process-wide pools, so that nobody's signature waits for somebody's disk: for what computes,
 * 4 threads unless said otherwise before first use; for what waits, 32. Threads start as there is
 * work for them. */
#pragma once

#include "fiber/fiber.h"

typedef void offload_fn(void *arg);

void offload_threads_set(unsigned n);
/* Only from a fiber, which is parked while fn(arg) runs in an off-load thread. Uncancellable: arg
 * may live on the caller's stack. */
void offload(offload_fn *fn, void *arg);
/* The same for work that mostly waits: reads of a disk. */
void offload_waiting(offload_fn *fn, void *arg);
/* Stops and joins the threads; at exit, when no work is under way. */
void offload_fini(void);
