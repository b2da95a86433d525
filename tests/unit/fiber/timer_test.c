/* fiber/timer.c, loop.c: lazy timers and turn ends. */
#include "fiber/scheduler.h"

#include "../test.h"

struct counter {
    struct timer timer;
    int fired;
    uint64_t again_in;
    uint64_t at;
};

static void
count(struct timer *t)
{
    struct counter *c = container_of(t, struct counter, timer);
    c->fired++;
    c->at = clock_ms();
    assert_null(fiber_self());
    assert_true(t->deadline == NEVER);
    if (c->again_in != NEVER)
        timer_set(t, clock_in(c->again_in));
}

static void
counter_init(struct counter *c)
{
    *c = (struct counter){ .again_in = NEVER };
    timer_init(&c->timer, count);
}

static void
main_of_laziness(void *arg)
{
    struct counter c;
    counter_init(&c);
    timer_set(&c.timer, clock_in(30));
    size_t work = timers_work();
    for (int i = 0; i < 1000; i++)
        timer_set(&c.timer, clock_in(30 + (uint64_t)i % 7));
    for (int i = 0; i < 1000; i++) {
        timer_set(&c.timer, NEVER);
        timer_set(&c.timer, clock_in(50));
    }
    assert_int_equal(timers_work(), work);
    uint64_t due = c.timer.deadline;
    assert_int_equal(fiber_sleep(80), 0);
    assert_int_equal(c.fired, 1);
    assert_true(c.at >= due);
    timer_fini(&c.timer);
}

static void
moving_a_deadline_later_does_not_touch_the_heap(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_laziness, NULL), 0);
}

static void
main_of_earlier(void *arg)
{
    struct counter c;
    counter_init(&c);
    timer_set(&c.timer, clock_in(10000));
    timer_set(&c.timer, clock_in(3));
    assert_int_equal(fiber_sleep(15), 0);
    assert_int_equal(c.fired, 1);
    timer_set(&c.timer, clock_in(3));
    timer_set(&c.timer, NEVER);
    assert_int_equal(fiber_sleep(10), 0);
    assert_int_equal(c.fired, 1);
    timer_fini(&c.timer);
}

static void
a_deadline_may_move_earlier_or_be_cleared(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_earlier, NULL), 0);
}

static void
main_of_eager(void *arg)
{
    struct counter c;
    counter_init(&c);
    c.again_in = 0;
    timer_set(&c.timer, clock_ms());
    for (int i = 0; i < 5; i++)
        assert_int_equal(fiber_yield(), 0);
    assert_in_range(c.fired, 4, 6);
    timer_fini(&c.timer);
    int fired = c.fired;
    assert_int_equal(fiber_sleep(3), 0);
    assert_int_equal(c.fired, fired);
}

static void
a_timer_that_sets_itself_at_once_does_not_hold_the_turn(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_eager, NULL), 0);
}

static void
spawned_sleeper(void *arg)
{
    assert_int_equal(fiber_park(clock_in(1000)), 0);
}

static void
main_of_reuse(void *arg)
{
    size_t work = timers_work();
    for (int i = 0; i < 1000; i++) {
        struct fiber *f = fiber_spawn(spawned_sleeper, NULL);
        assert_int_equal(fiber_yield(), 0);
        fiber_wake(f);
        assert_int_equal(fiber_yield(), 0);
    }
    assert_in_range(timers_work() - work, 1, 3);
}

static void
a_fibers_timer_stays_in_the_heap_from_use_to_use(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_reuse, NULL), 0);
}

static void
set_a_timer(void *arg)
{
    timer_set(arg, clock_in(100000));
}

static void
a_timer_may_outlive_its_loop(void **state)
{
    struct counter c;
    counter_init(&c);
    assert_int_equal(loop_run_fiber(set_a_timer, &c.timer), 0);
    timer_fini(&c.timer);
}

/* --- Turn ends --- */

struct hook {
    struct turn_end end;
    int ran;
    int again;
};

static void
run_hook(struct turn_end *t)
{
    struct hook *h = container_of(t, struct hook, end);
    h->ran++;
    if (h->again-- > 0)
        loop_at_turn_end(t);
}

static void
main_of_hooks(void *arg)
{
    struct hook h = { .again = 2 };
    h.end.run = run_hook;
    loop_at_turn_end(&h.end);
    loop_at_turn_end(&h.end);
    assert_int_equal(h.ran, 0);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(h.ran, 1);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(h.ran, 2);
    assert_int_equal(fiber_sleep(5), 0);
    assert_int_equal(h.ran, 3);
    loop_at_turn_end(&h.end);
    list_remove(&h.end.link);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(h.ran, 3);
}

static void
turn_end_hooks_run_once_a_turn(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_hooks, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moving_a_deadline_later_does_not_touch_the_heap),
        cmocka_unit_test(a_deadline_may_move_earlier_or_be_cleared),
        cmocka_unit_test(a_timer_that_sets_itself_at_once_does_not_hold_the_turn),
        cmocka_unit_test(a_fibers_timer_stays_in_the_heap_from_use_to_use),
        cmocka_unit_test(a_timer_may_outlive_its_loop),
        cmocka_unit_test(turn_end_hooks_run_once_a_turn),
    };
    return cmocka_run_group_tests_name("fiber/timer", tests, NULL, NULL);
}
