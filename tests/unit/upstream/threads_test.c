/* upstream/health, upstream/table: what threads share, used by several at once. */
#include "../test.h"
#include "groups.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 300 };

static struct groups shared;
static _Atomic unsigned most, under_way, out;

static void
note_most(unsigned now)
{
    unsigned before = most;
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        continue;
}

static void
pick_round(struct upstream *u, struct arena *arena, unsigned round)
{
    struct attempt a;
    attempt_init(&a, u, arena);
    while (attempt_pick(&a, 0) == 0) {
        bool limited = a.slot->limits.max_conns > 0;
        if (limited)
            note_most(atomic_fetch_add(&under_way, 1) + 1);
        assert_int_equal(fiber_yield(), 0);
        if (limited)
            atomic_fetch_sub(&under_way, 1);
        out += attempt_report(&a, round % 7 == 0 ? ATTEMPT_FAILED : ATTEMPT_GOOD);
    }
}

static void
pick_rounds(void *arg)
{
    upstream_table_start(shared.table);
    struct upstream *u = upstream_lookup(shared.table, STR("g"));
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        pick_round(u, &arena, i);
        arena_fini(&arena);
    }
    upstream_table_stop(shared.table);
}

static void *
run_thread(void *arg)
{
    thread_index = (unsigned)(uintptr_t)arg;
    assert_int_equal(loop_run_fiber(pick_rounds, NULL), 0);
    assert_int_equal(pool_lane_count(), 0);
    return NULL;
}

static void
threads_share_health_and_free_it(void **state)
{
    pthread_t threads[THREADS];
    assert_true(groups_compile(&shared, "upstream g { server 10.0.0.1:1 fail_timeout=1ms;"
                                        " server 10.0.0.1:2 max_conns=2 max_fails=0;"
                                        " server 10.0.0.1:3 max_fails=2 fail_timeout=2ms; }"));
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_thread, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_in_range(most, 1, 2);
    assert_true(out > 0);
    assert_int_equal(health_count(), 0);
    groups_close(&shared);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_health_and_free_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
