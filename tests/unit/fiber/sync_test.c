/* fiber/sync.c: mutex and condition. */
#include "fiber/sync.h"

#include "fiber/loop.h"

#include "../test.h"

#include <errno.h>
#include <string.h>

static struct fiber_mutex mutex;
static char order[64];

struct locker {
    const char *name;
    uint64_t deadline;
    int rc;
};

static void
lock_and_sign(void *arg)
{
    struct locker *l = arg;
    l->rc = fiber_mutex_lock(&mutex, l->deadline);
    if (l->rc != 0)
        return;
    strcat(order, l->name);
    (void)fiber_yield();
    strcat(order, l->name);
    fiber_mutex_unlock(&mutex);
}

static void
main_of_fairness(void *arg)
{
    struct locker l[] = { { "a", NEVER, 1 }, { "b", NEVER, 1 }, { "c", NEVER, 1 } };
    struct child c[3];
    fiber_mutex_init(&mutex);
    order[0] = 0;
    for (int i = 0; i < 3; i++)
        child_start(&c[i], lock_and_sign, &l[i]);
    for (int i = 0; i < 3; i++)
        child_join(&c[i]);
    assert_string_equal(order, "aabbcc");
    assert_null(mutex.owner);
}

static void
a_mutex_is_held_by_one_and_given_in_the_order_of_asking(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_fairness, NULL), 0);
}

static void
main_of_giving_up(void *arg)
{
    struct locker l[] = { { "a", clock_in(3), 1 }, { "b", NEVER, 1 }, { "c", NEVER, 1 } };
    struct child c[3];
    fiber_mutex_init(&mutex);
    order[0] = 0;
    assert_int_equal(fiber_mutex_lock(&mutex, NEVER), 0);
    for (int i = 0; i < 3; i++)
        child_start(&c[i], lock_and_sign, &l[i]);
    assert_int_equal(fiber_sleep(10), 0);
    child_cancel(&c[1]);
    child_join(&c[1]);
    fiber_mutex_unlock(&mutex);
    child_join(&c[2]);
    child_join(&c[0]);
    assert_int_equal(l[0].rc, -ETIMEDOUT);
    assert_int_equal(l[1].rc, -ECANCELED);
    assert_int_equal(l[2].rc, 0);
    assert_string_equal(order, "cc");
}

static void
who_gives_up_waiting_does_not_hold_the_mutex(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_giving_up, NULL), 0);
}

static void
main_of_handed_over(void *arg)
{
    struct locker l = { "a", NEVER, 1 };
    struct child c;
    fiber_mutex_init(&mutex);
    order[0] = 0;
    assert_int_equal(fiber_mutex_lock(&mutex, NEVER), 0);
    child_start(&c, lock_and_sign, &l);
    assert_int_equal(fiber_yield(), 0);
    fiber_mutex_unlock(&mutex);
    child_cancel(&c);
    child_join(&c);
    assert_int_equal(l.rc, 0);
    assert_null(mutex.owner);
}

static void
a_mutex_handed_over_before_the_cancellation_is_held(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_handed_over, NULL), 0);
}

/* --- Condition --- */

static struct fiber_condition condition;
static int woken;

static void
wait_for_signal(void *arg)
{
    *(int *)arg = fiber_condition_wait(&condition, NEVER);
    woken++;
}

static void
main_of_signals(void *arg)
{
    int rc[4];
    struct child c[4];
    fiber_condition_init(&condition);
    fiber_condition_signal(&condition);
    woken = 0;
    assert_int_equal(fiber_condition_wait(&condition, clock_in(2)), -ETIMEDOUT);
    for (int i = 0; i < 4; i++)
        child_start(&c[i], wait_for_signal, &rc[i]);
    assert_int_equal(fiber_yield(), 0);
    fiber_condition_signal(&condition);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(woken, 1);
    child_cancel(&c[1]);
    fiber_condition_signal(&condition);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(woken, 2);
    assert_int_equal(rc[1], 0);
    fiber_condition_broadcast(&condition);
    for (int i = 0; i < 4; i++)
        child_join(&c[i]);
    assert_int_equal(woken, 4);
    assert_int_equal(rc[0], 0);
    assert_int_equal(rc[3], 0);
}

static void
a_signal_wakes_one_who_then_has_it_and_a_broadcast_all(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_signals, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_is_held_by_one_and_given_in_the_order_of_asking),
        cmocka_unit_test(who_gives_up_waiting_does_not_hold_the_mutex),
        cmocka_unit_test(a_mutex_handed_over_before_the_cancellation_is_held),
        cmocka_unit_test(a_signal_wakes_one_who_then_has_it_and_a_broadcast_all),
    };
    return cmocka_run_group_tests_name("fiber/sync", tests, NULL, NULL);
}
