/* fiber/mailbox.c: posting from other threads. */
#include "fiber/loop.h"

#include "../test.h"

#include <pthread.h>

#define THREADS 4
#define MAILS   5000

static struct loop *target;
static unsigned last[THREADS];
static unsigned received;
static struct fiber *waiting;

struct mail {
    unsigned thread, number;
};

static struct mail mails[THREADS][MAILS];

static void
receive(void *arg)
{
    struct mail *m = arg;
    assert_null(fiber_self());
    assert_int_equal(m->number, last[m->thread] + 1);
    last[m->thread] = m->number;
    if (++received == THREADS * MAILS)
        fiber_wake(waiting);
}

static void *
post_all(void *arg)
{
    unsigned thread = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < MAILS; i++) {
        mails[thread][i] = (struct mail){ thread, i + 1 };
        assert_true(loop_post(target, receive, &mails[thread][i]));
    }
    return NULL;
}

static void
main_of_posting(void *arg)
{
    pthread_t threads[THREADS];
    target = loop_self();
    waiting = fiber_self();
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, (void *)i), 0);
    while (received < THREADS * MAILS)
        assert_int_equal(fiber_park(clock_in(60000)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void
mail_of_many_threads_arrives_each_in_its_order(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_posting, NULL), 0);
    assert_false(loop_post(target, receive, NULL));
}

static void
add_one(void *arg)
{
    ++*(int *)arg;
}

static void
post_and_leave(void *arg)
{
    assert_true(loop_post(loop_self(), add_one, arg));
}

static void
accepted_mail_is_delivered_even_when_the_loop_closes(void **state)
{
    int n = 0;
    assert_int_equal(loop_run_fiber(post_and_leave, &n), 0);
    assert_int_equal(n, 1);
}

struct relay {
    int left;
    struct fiber *end;
};

static void
post_again(void *arg)
{
    struct relay *r = arg;
    if (r->left-- > 0)
        assert_true(loop_post(loop_self(), post_again, r));
    else
        fiber_wake(r->end);
}

static void
main_of_relay(void *arg)
{
    struct relay r = { 100, fiber_self() };
    post_again(&r);
    assert_int_equal(fiber_park(clock_in(60000)), 0);
    assert_int_equal(r.left, -1);
}

static void
mail_may_post_mail(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_relay, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_of_many_threads_arrives_each_in_its_order),
        cmocka_unit_test(accepted_mail_is_delivered_even_when_the_loop_closes),
        cmocka_unit_test(mail_may_post_mail),
    };
    return cmocka_run_group_tests_name("fiber/mailbox", tests, NULL, NULL);
}
