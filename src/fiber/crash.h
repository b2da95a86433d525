/* The crash report: when a worker dies of its own fault, one clean line says of what, and a
 * backtrace says where. Then the signal takes its default course.
 *
 *   [alert] usher worker crashed: stack overflow in a fiber, address 0x7f…
 *
 * It is written by an async-signal-safe handler on a stack of its own, so that a fiber without any
 * stack left can still be reported. When several threads crash at once, the first one reports. */
#pragma once

/* For the process: SEGV, BUS, ILL, FPE, ABRT, the latter with the claim of must() that failed.
 * Includes crash_thread_init of this thread. */
void crash_handler_install(void);
/* Where the report goes: standard error until set. The descriptor must stay open. */
void crash_report_to(int fd);
/* The signal stack of this thread; each thread's first act, and its last. */
void crash_thread_init(void);
void crash_thread_fini(void);
