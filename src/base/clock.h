/* Time. Deadlines are milliseconds of the monotonic clock.
 *
 * The event loop refreshes the thread's cached time once a turn; code that runs in a turn reads the
 * cache and makes no system call. */
#pragma once

#include <stdint.h>
#include <time.h>

/* A length of time, as directives carry it. */
struct msec {
    uint64_t ms;
};

#define NEVER UINT64_MAX

/* Monotonic, cached per thread; the first use in a thread refreshes. */
uint64_t clock_ms(void);
uint64_t clock_us(void);
/* Wall clock derived from the same reading: microseconds since 1970. */
uint64_t clock_wall_us(void);
/* Reads the kernel's clocks again (vDSO). Called by the loop after each wait. */
void clock_refresh(void);

/* The moment `ms` from now; NEVER stays NEVER. */
static inline uint64_t
clock_in(uint64_t ms)
{
    return ms == NEVER ? NEVER : clock_ms() + ms;
}
