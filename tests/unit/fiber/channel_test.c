/* fiber/channel.c. */
#include "fiber/loop.h"
#include "fiber/sync.h"

#include "../test.h"

#include <errno.h>

#define ITEMS 1000

static struct channel *channel;

static void
send_all(void *arg)
{
    for (uintptr_t i = 1; i <= ITEMS; i++)
        assert_int_equal(channel_send(channel, (void *)i, NEVER), 0);
}

static void
main_of_order(void *arg)
{
    size_t capacity = *(size_t *)arg;
    struct child c;
    void *item;
    channel = channel_open(capacity);
    child_start(&c, send_all, NULL);
    for (uintptr_t i = 1; i <= ITEMS; i++) {
        assert_int_equal(channel_receive(channel, &item, NEVER), 0);
        assert_int_equal((uintptr_t)item, i);
        if (i % 7 == 0)
            assert_int_equal(fiber_yield(), 0);
    }
    child_join(&c);
    assert_int_equal(channel_receive(channel, &item, clock_in(2)), -ETIMEDOUT);
    channel_drop(channel);
}

static void
items_arrive_in_order_whatever_the_capacity(void **state)
{
    for (size_t capacity = 1; capacity < 2000; capacity = capacity * 3 + 1)
        assert_int_equal(loop_run_fiber(main_of_order, &capacity), 0);
}

static void
main_of_full(void *arg)
{
    int a, b, c;
    void *item;
    channel = channel_open(2);
    assert_int_equal(channel_send(channel, &a, NEVER), 0);
    assert_int_equal(channel_send(channel, &b, NEVER), 0);
    assert_int_equal(channel_send(channel, &c, clock_in(2)), -ETIMEDOUT);
    channel_close(channel);
    assert_int_equal(channel_send(channel, &c, NEVER), -EPIPE);
    assert_int_equal(channel_receive(channel, &item, NEVER), 0);
    assert_ptr_equal(item, &a);
    assert_int_equal(channel_receive(channel, &item, NEVER), 0);
    assert_ptr_equal(item, &b);
    assert_int_equal(channel_receive(channel, &item, NEVER), -EPIPE);
    channel_drop(channel);
}

static void
a_closed_channel_is_drained_and_then_broken(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_full, NULL), 0);
}

static void
receive_one(void *arg)
{
    void *item;
    *(int *)arg = channel_receive(channel, &item, NEVER);
}

static void
send_one(void *arg)
{
    *(int *)arg = channel_send(channel, arg, NEVER);
}

static void
main_of_waiters(void *arg)
{
    int rc[3] = { 1, 1, 1 };
    struct child c[3];
    channel = channel_open(1);
    child_start(&c[0], receive_one, &rc[0]);
    assert_int_equal(fiber_yield(), 0);
    child_cancel(&c[0]);
    child_join(&c[0]);
    assert_int_equal(rc[0], -ECANCELED);
    child_start(&c[0], receive_one, &rc[0]);
    assert_int_equal(fiber_yield(), 0);
    channel_drop(channel);
    child_join(&c[0]);
    assert_int_equal(rc[0], -EPIPE);
    channel = channel_open(1);
    for (int i = 0; i < 3; i++)
        child_start(&c[i], send_one, &rc[i]);
    assert_int_equal(fiber_yield(), 0);
    channel_drop(channel);
    for (int i = 0; i < 3; i++)
        child_join(&c[i]);
    assert_int_equal(rc[0], 0);
    assert_int_equal(rc[1], -EPIPE);
    assert_int_equal(rc[2], -EPIPE);
}

static void
those_who_wait_survive_the_drop_of_the_channel(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_waiters, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_arrive_in_order_whatever_the_capacity),
        cmocka_unit_test(a_closed_channel_is_drained_and_then_broken),
        cmocka_unit_test(those_who_wait_survive_the_drop_of_the_channel),
    };
    return cmocka_run_group_tests_name("fiber/channel", tests, NULL, NULL);
}
