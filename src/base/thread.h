/* The worker's threads by number: what is per-thread in a shared object is an array of THREADS_MAX.
 */
#pragma once

enum { THREADS_MAX = 256 };

/* 0-based; set once by each loop thread at its start; 0 in single-threaded programs and tests. */
extern __thread unsigned thread_index;
/* How many loop threads the process runs; set before they start. */
extern unsigned thread_count;
