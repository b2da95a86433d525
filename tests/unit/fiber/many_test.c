/* fiber/pool.c, stack.c: 100,000 fibers alive at once, with and without light guards. */
#include "fiber/loop.h"
#include "fiber/stack.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define MANY 2000 /* it knows some thousands of threads at most */
#endif
#endif
#if !defined(MANY) && defined(FIBER_SANITIZE)
#define MANY 10000
#elif !defined(MANY)
#define MANY 100000
#endif

static int awake;

static void
wait_a_while(void *arg)
{
    char bytes[200];
    snprintf(bytes, sizeof bytes, "%p", arg);
    awake++;
    assert_int_equal(fiber_park(NEVER), 0);
    char again[200];
    snprintf(again, sizeof again, "%p", arg);
    assert_string_equal(bytes, again);
    awake--;
}

static void
main_of_many(void *arg)
{
    struct fiber **all = calloc(MANY, sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < MANY; i++)
        all[i] = fiber_spawn(wait_a_while, &all[i]);
    while (awake < MANY)
        assert_int_equal(fiber_yield(), 0);
    assert_int_equal(fiber_count(), MANY + 1);
    void *more = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(more != MAP_FAILED);
    munmap(more, 1 << 20);
    for (int i = 0; i < MANY; i++)
        fiber_wake(all[i]);
    while (awake > 0)
        assert_int_equal(fiber_yield(), 0);
    free(all);
}

static void
a_hundred_thousand_fibers_live_at_once(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_many, NULL), 0);
}

static void
so_they_do_where_each_guard_costs_mappings(void **state)
{
    stack_forget_light_guards();
    assert_int_equal(loop_run_fiber(main_of_many, NULL), 0);
    assert_int_equal(loop_run_fiber(main_of_many, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_fibers_live_at_once),
        cmocka_unit_test(so_they_do_where_each_guard_costs_mappings),
    };
    return cmocka_run_group_tests_name("fiber/many", tests, NULL, NULL);
}
