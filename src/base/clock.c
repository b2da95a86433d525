/* The thread's cached time: one reading of each clock a loop turn. */
#include "base/clock.h"

static __thread uint64_t mono_us, mono_ms, wall_us;

static uint64_t
read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
clock_refresh(void)
{
    mono_us = read_us(CLOCK_MONOTONIC);
    mono_ms = mono_us / 1000;
    wall_us = read_us(CLOCK_REALTIME);
}

uint64_t
clock_us(void)
{
    if (mono_us == 0)
        clock_refresh();
    return mono_us;
}

uint64_t
clock_ms(void)
{
    if (mono_us == 0)
        clock_refresh();
    return mono_ms;
}

uint64_t
clock_wall_us(void)
{
    if (wall_us == 0)
        clock_refresh();
    return wall_us;
}
