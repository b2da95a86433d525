/* fiber/fiber.c, pool.c: running order, parking, deadlines, cancellation, children. */
#include "fiber/loop.h"
#include "fiber/scheduler.h"

#include "../test.h"

#include <errno.h>
#include <string.h>

/* --- Order --- */

static char trace[64];

static void
note(const char *what)
{
    strcat(trace, what);
}

static void
say_twice(void *arg)
{
    note(arg);
    assert_int_equal(fiber_yield(), 0);
    note(arg);
}

static void
main_of_order(void *arg)
{
    trace[0] = 0;
    char a[] = "a", b[] = "b";
    fiber_spawn(say_twice, a);
    fiber_spawn(say_twice, b);
    note("m");
    assert_int_equal(fiber_yield(), 0);
    note("m");
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(fiber_yield(), 0);
    assert_string_equal(trace, "mabmab");
    assert_int_equal(fiber_count(), 1);
}

static void
fibers_run_in_the_order_of_spawning_and_yielding(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_order, NULL), 0);
    assert_null(loop_self());
}

static bool stop_playing;

static void
play_ball(void *arg)
{
    struct fiber **other = arg;
    while (fiber_park(NEVER) == 0 && !stop_playing)
        fiber_wake(*other);
}

static void
main_of_starvation(void *arg)
{
    struct fiber *players[2];
    stop_playing = false;
    players[0] = fiber_spawn(play_ball, &players[1]);
    players[1] = fiber_spawn(play_ball, &players[0]);
    fiber_wake(players[0]);
    assert_int_equal(fiber_sleep(2), 0);
    stop_playing = true;
    assert_int_equal(fiber_yield(), 0);
}

static void
two_that_keep_waking_each_other_do_not_starve_the_rest(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_starvation, NULL), 0);
}

/* --- Parking --- */

struct parked {
    struct fiber *fiber;
    uint64_t deadline;
    int rc;
    bool deaf, ended;
};

static void
park_once(void *arg)
{
    struct parked *p = arg;
    p->fiber = fiber_self();
    p->rc = p->deaf ? fiber_park_deaf(p->deadline) : fiber_park(p->deadline);
    p->ended = true;
}

static void
main_of_waking(void *arg)
{
    struct parked p = { .deadline = NEVER };
    fiber_spawn(park_once, &p);
    assert_int_equal(fiber_yield(), 0);
    assert_false(p.ended);
    fiber_wake(p.fiber);
    fiber_wake(p.fiber);
    assert_int_equal(fiber_yield(), 0);
    assert_true(p.ended);
    assert_int_equal(p.rc, 0);
    fiber_wake(fiber_self());
    fiber_wake(fiber_self());
    assert_int_equal(fiber_park(NEVER), 0);
    assert_int_equal(fiber_park(clock_in(1)), -ETIMEDOUT);
}

static void
a_wake_is_remembered_once(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_waking, NULL), 0);
}

static void
main_of_deadlines(void *arg)
{
    uint64_t before = clock_us();
    assert_int_equal(fiber_park(clock_in(20)), -ETIMEDOUT);
    uint64_t took = clock_us() - before;
    assert_in_range(took, 19000, 2000000);
    assert_int_equal(fiber_park(clock_ms() - 1), -ETIMEDOUT);
    before = clock_us();
    fiber_wake(fiber_self());
    assert_int_equal(fiber_sleep(5), 0);
    assert_true(clock_us() - before >= 4000);
}

static void
a_deadline_ends_a_park(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_deadlines, NULL), 0);
}

static void
main_of_late_wake(void *arg)
{
    struct parked p = { .deadline = clock_in(2) };
    fiber_spawn(park_once, &p);
    assert_int_equal(fiber_yield(), 0);
    fiber_wake_with(p.fiber, -ETIMEDOUT);
    fiber_wake(p.fiber);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(p.rc, 0);
}

static void
a_wake_that_comes_before_the_timed_out_fiber_ran_counts(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_late_wake, NULL), 0);
}

static void
wake_it(void *arg)
{
    fiber_wake(arg);
}

/* Mail is delivered before timers fire. */
static void
main_of_photo_finish(void *arg)
{
    struct parked p = { .deadline = clock_in(2) };
    fiber_spawn(park_once, &p);
    assert_int_equal(fiber_yield(), 0);
    while (clock_ms() <= p.deadline)
        clock_refresh();
    assert_true(loop_post(loop_self(), wake_it, p.fiber));
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(fiber_yield(), 0);
    assert_true(p.ended);
    assert_int_equal(p.rc, 0);
}

static void
an_event_of_the_same_turn_counts_more_than_the_deadline(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_photo_finish, NULL), 0);
}

/* --- Cancellation --- */

static void
stay_cancelled(void *arg)
{
    int *steps = arg;
    assert_int_equal(fiber_park(NEVER), -ECANCELED);
    assert_true(fiber_cancelled());
    ++*steps;
    assert_int_equal(fiber_park(NEVER), -ECANCELED);
    assert_int_equal(fiber_sleep(1000), -ECANCELED);
    assert_int_equal(fiber_yield(), -ECANCELED);
    ++*steps;
    assert_int_equal(fiber_park_deaf(clock_in(3)), -ETIMEDOUT);
    ++*steps;
}

static void
main_of_cancelling(void *arg)
{
    int steps = 0;
    struct child c;
    child_start(&c, stay_cancelled, &steps);
    assert_int_equal(fiber_yield(), 0);
    child_cancel(&c);
    child_cancel(&c);
    child_join(&c);
    assert_int_equal(steps, 3);
    assert_false(fiber_cancelled());
    child_cancel(&c);
    child_join(&c);
}

static void
cancellation_is_sticky_and_the_deaf_do_not_hear_it(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_cancelling, NULL), 0);
}

static void
main_of_early_cancelling(void *arg)
{
    int steps = 0;
    struct child c;
    child_start(&c, stay_cancelled, &steps);
    child_cancel(&c);
    child_join(&c);
    assert_int_equal(steps, 3);
}

static void
a_fiber_cancelled_before_it_ran_still_runs(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_early_cancelling, NULL), 0);
}

static void
sleep_long(void *arg)
{
    *(int *)arg = fiber_sleep(100000);
}

static void
be_a_parent(void *arg)
{
    int rc = 1;
    struct child c;
    child_start(&c, sleep_long, &rc);
    child_join(&c);
    assert_int_equal(rc, -ECANCELED);
    assert_true(fiber_cancelled());
    *(bool *)arg = true;
}

static void
main_of_families(void *arg)
{
    bool joined = false;
    struct child parent;
    child_start(&parent, be_a_parent, &joined);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(fiber_count(), 3);
    child_cancel(&parent);
    child_join(&parent);
    assert_true(joined);
    assert_int_equal(fiber_count(), 1);
    fiber_cancel(fiber_self());
    joined = false;
    child_start(&parent, be_a_parent, &joined);
    child_join(&parent);
    assert_true(joined);
}

static void
a_cancelled_parent_cancels_and_still_joins_its_child(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_families, NULL), 0);
}

static void
leave_others_behind(void *arg)
{
    for (int i = 0; i < 10; i++)
        fiber_spawn(sleep_long, (int *)arg + i);
    assert_int_equal(fiber_yield(), 0);
}

static void
a_loop_for_one_fiber_cancels_what_is_left(void **state)
{
    int rc[10] = { 0 };
    assert_int_equal(loop_run_fiber(leave_others_behind, rc), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(rc[i], -ECANCELED);
}

/* --- Stacks --- */

static void
use_much_stack(void *arg)
{
    char bytes[900000];
    memset(bytes, *(char *)arg, sizeof bytes);
    assert_int_equal(fiber_yield(), 0);
    *(char *)arg = bytes[sizeof bytes / 2];
}

static void
main_of_large(void *arg)
{
    char c = 'x';
    fiber_spawn_large(use_much_stack, &c, 1 << 20);
    assert_int_equal(fiber_yield(), 0);
    c = 'y';
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(c, 'x');
    assert_int_equal(fiber_count(), 1);
}

static void
a_large_fiber_has_the_stack_it_asked_for(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_large, NULL), 0);
}

static void
yield_once(void *arg)
{
    assert_int_equal(fiber_yield(), 0);
}

static void
main_of_cooling(void *arg)
{
    for (int i = 0; i < 1000; i++)
        fiber_spawn(yield_once, NULL);
    assert_int_equal(fiber_sleep(10), 0);
    assert_in_range(pool_warm(), 999, 1100);
    assert_int_equal(fiber_sleep(2300), 0);
    assert_int_equal(pool_warm(), 256);
    for (int i = 0; i < 1000; i++)
        fiber_spawn(yield_once, NULL);
    assert_int_equal(fiber_sleep(10), 0);
}

static void
idle_stacks_beyond_some_hundreds_give_their_memory_back(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_cooling, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_run_in_the_order_of_spawning_and_yielding),
        cmocka_unit_test(two_that_keep_waking_each_other_do_not_starve_the_rest),
        cmocka_unit_test(a_wake_is_remembered_once),
        cmocka_unit_test(a_deadline_ends_a_park),
        cmocka_unit_test(a_wake_that_comes_before_the_timed_out_fiber_ran_counts),
        cmocka_unit_test(an_event_of_the_same_turn_counts_more_than_the_deadline),
        cmocka_unit_test(cancellation_is_sticky_and_the_deaf_do_not_hear_it),
        cmocka_unit_test(a_fiber_cancelled_before_it_ran_still_runs),
        cmocka_unit_test(a_cancelled_parent_cancels_and_still_joins_its_child),
        cmocka_unit_test(a_loop_for_one_fiber_cancels_what_is_left),
        cmocka_unit_test(a_large_fiber_has_the_stack_it_asked_for),
        cmocka_unit_test(idle_stacks_beyond_some_hundreds_give_their_memory_back),
    };
    return cmocka_run_group_tests_name("fiber/fiber", tests, NULL, NULL);
}
