/* fiber/offload.c. */
#include "fiber/offload.h"

#include "fiber/loop.h"

#include "../test.h"

#include <pthread.h>
#include <unistd.h>

struct work {
    pthread_t thread;
    unsigned in, out;
};

static void
square(void *arg)
{
    struct work *w = arg;
    usleep(1000);
    w->thread = pthread_self();
    w->out = w->in * w->in;
}

static void
ask(void *arg)
{
    struct work w = { .in = *(unsigned *)arg };
    offload(square, &w);
    assert_int_equal(w.out, w.in * w.in);
    assert_false(pthread_equal(w.thread, pthread_self()));
    *(unsigned *)arg = w.out;
}

static void
main_of_asking(void *arg)
{
    unsigned n[40];
    struct child c[40];
    for (unsigned i = 0; i < 40; i++) {
        n[i] = i;
        child_start(&c[i], ask, &n[i]);
    }
    assert_int_equal(fiber_yield(), 0);
    child_cancel(&c[39]);
    for (unsigned i = 0; i < 40; i++) {
        child_join(&c[i]);
        assert_int_equal(n[i], i * i);
    }
}

static void *
run_a_loop(void *none)
{
    assert_int_equal(loop_run_fiber(main_of_asking, NULL), 0);
    return NULL;
}

static void
work_of_several_loops_is_done_elsewhere(void **state)
{
    pthread_t other;
    offload_threads_set(3);
    assert_int_equal(pthread_create(&other, NULL, run_a_loop, NULL), 0);
    run_a_loop(NULL);
    pthread_join(other, NULL);
    offload_fini();
}

static void
the_pool_starts_again_after_its_end(void **state)
{
    run_a_loop(NULL);
    offload_fini();
    offload_fini();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_of_several_loops_is_done_elsewhere),
        cmocka_unit_test(the_pool_starts_again_after_its_end),
    };
    return cmocka_run_group_tests_name("fiber/offload", tests, NULL, NULL);
}
