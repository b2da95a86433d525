/* fiber/context.h on this machine: registers, alignment, many switches, the end of a backtrace.
 *
 * Needs no test library, so that tools/test-arm64 can run it under an emulator. */
#include "fiber/context.h"

#include "base/must.h"
#include "fiber/loop.h"

#include <execinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define STACK    (64 * 1024)
#define SWITCHES 100000

/* The raw switch is not announced to sanitizers: they would take one stack for another. */
#ifdef FIBER_SANITIZE
#define RAW 0
#else
#define RAW 1
#endif

static void *main_context, *other_context;
static long sum;

static void
add_up(void *arg)
{
    must(arg == &sum);
    must((uintptr_t)__builtin_frame_address(0) % 16 == 0);
    for (long i = 0;; i++) {
        sum += i;
        context_switch(&other_context, main_context);
    }
}

/* So many values live across the switch that each kept register holds one. */
static void
test_values_survive(void)
{
    char *stack = aligned_alloc(64, STACK);
    other_context = context_make(stack + STACK - 24, stack, add_up, &sum);
    volatile long seed = 3;
    long a = seed, b = a * 3, c = b * 5, d = c * 7, e = d * 11, f = e * 13, g = f * 17, h = g * 19;
    double u = (double)seed, v = u * 2, w = u * 3, x = u * 4, y = u * 5, z = u * 6;
    for (long i = 0; i < SWITCHES; i++) {
        context_switch(&main_context, other_context);
        a += i, b ^= a, c += b, d ^= c, e += d, f ^= e, g += f, h ^= g;
        u += 1, v += 2, w += 3, x += 4, y += 5, z += 6;
    }
    must(sum == (long)SWITCHES * (SWITCHES - 1) / 2);
    long a2 = seed, b2 = a2 * 3;
    for (long i = 0; i < SWITCHES; i++)
        a2 += i, b2 ^= a2;
    must(a == a2 && b == b2 && (c | d | e | f | g | h) != 0);
    must(u == 3 + SWITCHES && v == 2 * u && w == 3 * u && x == 4 * u && y == 5 * u && z == 6 * u);
    free(stack);
}

static void
look_up(void *arg)
{
    void *frames[32];
    *(int *)arg = backtrace(frames, 32);
}

/* look_up, the fiber's first function, the assembly; then it must end. */
static void
test_backtrace_ends(void)
{
    int depth = 0;
    must(loop_run_fiber(look_up, &depth) == 0);
    must(depth >= 1 && depth <= 12);
}

static void
stay(void *arg)
{
    for (int i = 0; i < 10; i++) {
        char text[64];
        snprintf(text, sizeof text, "%.3f %d", 1.5 * i, i);
        must(strtod(text, NULL) == 1.5 * i);
        must(fiber_sleep((uint64_t)i % 3) == 0);
    }
    ++*(int *)arg;
}

static void
family(void *arg)
{
    struct child c[100];
    for (int i = 0; i < 100; i++)
        child_start(&c[i], stay, arg);
    for (int i = 0; i < 100; i++)
        child_join(&c[i]);
}

static void
test_fibers(void)
{
    int ended = 0;
    must(loop_run_fiber(family, &ended) == 0);
    must(ended == 100);
}

int
main(void)
{
    if (RAW)
        test_values_survive();
    test_backtrace_ends();
    test_fibers();
    puts("fiber/context: ok");
    return 0;
}
