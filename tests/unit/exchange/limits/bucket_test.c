/* exchange/limits/bucket.c, beside a model that is too simple to be wrong, and by many threads. */
#include "exchange/limits/bucket.h"

#include "../../test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A key's bucket as the documentation has it. */
struct model {
    bool seen;
    long long level, last;
};

static bool
model_takes(struct model *m, long long rate, long long burst, long long now)
{
    long long level = 0;
    if (m->seen)
        level = m->level - rate * (now - m->last) / 1000 + 1000;
    if (level < 0)
        level = 0;
    if (level > burst)
        return false;
    *m = (struct model){ true, level, now };
    return true;
}

static void
random_traffic_is_judged_as_by_the_model(void **state)
{
    enum { KEYS = 8 };
    struct limit_table *t = limit_table_open(1 << 20);
    static const uint64_t rates[] = { 16, 1000, 1666, 100000, 5000000 };
    srandom(1);
    for (unsigned r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct model models[KEYS] = { 0 };
        uint64_t now = 1000000, burst = (uint64_t)(random() % 6) * REQUEST;
        for (unsigned i = 0; i < 20000; i++) {
            char key[8] = { (char)('0' + r), (char)('a' + random() % KEYS) };
            now += (uint64_t)(random() % 4 ? random() % 3 : random() % 4000);
            struct bucket_use u = {
                .table = t, .key = { key, 2 }, .rate = rates[r], .burst = burst, .delay = UINT64_MAX
            };
            struct bucket_answer a = buckets_take(&u, 1, now);
            struct model *m = &models[key[1] - 'a'];
            bool taken = model_takes(m, (long long)rates[r], (long long)burst, (long long)now);
            assert_int_equal(a.outcome == BUCKET_PASSED, taken);
            if (taken)
                assert_int_equal(a.excess, m->level);
        }
    }
    limit_table_close(t);
}

static struct bucket_answer
take(struct limit_table *t, const char *key, uint64_t burst, uint64_t delay, uint64_t now)
{
    struct bucket_use u = {
        .table = t, .key = str_of(key), .rate = 1000, .burst = burst, .delay = delay
    };
    return buckets_take(&u, 1, now);
}

static void
what_is_beyond_the_delay_waits(void **state)
{
    struct limit_table *t = limit_table_open(32 << 10);
    assert_int_equal(take(t, "a", 3000, 1000, 5).outcome, BUCKET_PASSED);
    assert_int_equal(take(t, "a", 3000, 1000, 5).outcome, BUCKET_PASSED);
    struct bucket_answer a = take(t, "a", 3000, 1000, 5);
    assert_int_equal(a.outcome, BUCKET_DELAYED);
    assert_int_equal(a.delay_ms, 1000);
    assert_int_equal(take(t, "a", 3000, 1000, 505).delay_ms, 1500);
    assert_int_equal(take(t, "a", 3000, 1000, 505).outcome, BUCKET_REFUSED);
    assert_int_equal(take(t, "a", 3000, 1000, UINT64_MAX / 2).outcome, BUCKET_PASSED);
    limit_table_close(t);
}

static void
all_buckets_take_a_request_or_none(void **state)
{
    struct limit_table *one = limit_table_open(32 << 10), *two = limit_table_open(32 << 10);
    struct bucket_use uses[] = {
        { .table = one, .key = STR("k"), .rate = 1000, .burst = 9000, .delay = UINT64_MAX },
        { .table = two, .key = STR("k"), .rate = 1000, .burst = 1000, .delay = UINT64_MAX },
    };
    assert_int_equal(buckets_take(uses, 2, 5).outcome, BUCKET_PASSED);
    assert_int_equal(buckets_take(uses, 2, 5).outcome, BUCKET_PASSED);
    for (int i = 0; i < 5; i++) {
        struct bucket_answer a = buckets_take(uses, 2, 5);
        assert_int_equal(a.outcome, BUCKET_REFUSED);
        assert_int_equal(a.which, 1);
    }
    assert_int_equal(buckets_take(uses, 1, 5).excess, 2000); /* the refused left nothing */
    limit_table_close(one);
    limit_table_close(two);
}

static void
who_only_looks_is_not_counted(void **state)
{
    struct limit_table *t = limit_table_open(32 << 10);
    struct bucket_use u = { .table = t,
                            .key = STR("k"),
                            .rate = 1000,
                            .burst = 1000,
                            .delay = UINT64_MAX,
                            .only_looks = true };
    for (int i = 0; i < 5; i++)
        assert_int_equal(buckets_take(&u, 1, 5).outcome, BUCKET_PASSED);
    bucket_add(t, STR("k"), 1000, 5);
    assert_int_equal(buckets_take(&u, 1, 5).outcome, BUCKET_PASSED);
    bucket_add(t, STR("k"), 1000, 5);
    assert_int_equal(buckets_take(&u, 1, 5).outcome, BUCKET_REFUSED);
    assert_int_equal(buckets_take(&u, 1, 1005).outcome, BUCKET_PASSED);
    limit_table_close(t);
}

static void
a_full_zone_forgets_who_was_not_seen_for_longest(void **state)
{
    struct limit_table *t = limit_table_open(32 << 10);
    char key[16];
    assert_int_equal(take(t, "first", 0, UINT64_MAX, 5).outcome, BUCKET_PASSED);
    assert_int_equal(take(t, "second", 0, UINT64_MAX, 5).outcome, BUCKET_PASSED);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(take(t, key, 0, UINT64_MAX, 6).outcome, BUCKET_PASSED);
        assert_int_equal(take(t, "first", 0, UINT64_MAX, 6).outcome, BUCKET_REFUSED);
    }
    assert_int_equal(take(t, "second", 0, UINT64_MAX, 6).outcome, BUCKET_PASSED);
    limit_table_close(t);
}

static void
a_key_beyond_the_whole_zone_is_told(void **state)
{
    struct limit_table *t = limit_table_open(32 << 10);
    static char big[LIMIT_KEY_MAX];
    struct bucket_use u = {
        .table = t, .key = { big, sizeof big }, .rate = 1000, .burst = 0, .delay = UINT64_MAX
    };
    assert_int_equal(take(t, "a", 0, UINT64_MAX, 5).outcome, BUCKET_PASSED);
    assert_int_equal(buckets_take(&u, 1, 5).outcome, BUCKET_FULL);
    assert_int_equal(take(t, "a", 0, UINT64_MAX, 5).outcome, BUCKET_PASSED);
    limit_table_close(t);
}

/* --- Threads --- */

enum { THREADS = 4, ROUNDS = 20000, BURST = 5000 };

static struct limit_table *shared[2];

static void *
run_thread(void *arg)
{
    uintptr_t taken = 0;
    bool turned = (uintptr_t)arg % 2;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[8];
        snprintf(text, sizeof text, "%u", i % 50);
        struct bucket_use each = { .table = shared[0],
                                   .key = str_of(text),
                                   .rate = 1,
                                   .burst = UINT32_MAX,
                                   .delay = UINT64_MAX };
        struct bucket_use all = each;
        all.table = shared[1];
        all.key = STR("all");
        all.burst = BURST * (uint64_t)REQUEST;
        struct bucket_use uses[2] = { turned ? all : each, turned ? each : all };
        taken += buckets_take(uses, 2, 5).outcome == BUCKET_PASSED;
    }
    return (void *)taken;
}

static void
threads_take_as_many_as_there_are(void **state)
{
    pthread_t threads[THREADS];
    uintptr_t sum = 0;
    for (unsigned i = 0; i < 2; i++)
        shared[i] = limit_table_open(1 << 20);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_thread, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *taken;
        assert_int_equal(pthread_join(threads[i], &taken), 0);
        sum += (uintptr_t)taken;
    }
    assert_int_equal(sum, BURST + 1);
    for (unsigned i = 0; i < 2; i++)
        limit_table_close(shared[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_traffic_is_judged_as_by_the_model),
        cmocka_unit_test(what_is_beyond_the_delay_waits),
        cmocka_unit_test(all_buckets_take_a_request_or_none),
        cmocka_unit_test(who_only_looks_is_not_counted),
        cmocka_unit_test(a_full_zone_forgets_who_was_not_seen_for_longest),
        cmocka_unit_test(a_key_beyond_the_whole_zone_is_told),
        cmocka_unit_test(threads_take_as_many_as_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
