/* exchange/body/pace.c: never faster than the rate, and nothing is lost. */
#include "exchange/body/body.h"

#include "../../test.h"
#include "base/clock.h"
#include "fiber/loop.h"

static void
pull_all(struct body *b, uint64_t *bytes, uint64_t *ms)
{
    struct chunk chunk;
    uint64_t began = clock_ms();
    int r;
    *bytes = 0;
    while ((r = body_next(b, &chunk)) > 0) {
        assert_true(chunk_size(&chunk) > 0);
        *bytes += chunk_size(&chunk);
        assert_int_equal(chunk.last, *bytes == 1300);
    }
    assert_int_equal(r, 0);
    *ms = clock_ms() - began;
}

static void
main_of_pace(void *arg)
{
    static char text[1300];
    struct arena a;
    uint64_t bytes, ms;
    arena_init(&a, 0);
    struct body *b = body_pace(&a, body_of_str(&a, (struct str){ text, sizeof text }), 1000, 0);
    pull_all(b, &bytes, &ms);
    assert_int_equal(bytes, 1300);
    assert_in_range(ms, 295, 900);
    body_close(b);
    arena_fini(&a);
}

static void
beyond_the_first_seconds_bytes_the_clock_rules(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_pace, NULL), 0);
}

static void
main_of_files(void *arg)
{
    struct arena a;
    struct chunk chunk;
    arena_init(&a, 0);
    struct body *b = body_pace(&a, body_of_file(&a, 0, 5, 1100, false), 1000, 0);
    assert_int_equal(body_next(b, &chunk), 1);
    assert_int_equal(chunk.file_offset, 5);
    size_t first = chunk.file_size;
    assert_in_range(first, 1000, 1050); /* a slow machine's clock may have moved */
    assert_false(chunk.last);
    assert_false(body_ready(b));
    assert_int_equal(body_next(b, &chunk), 1);
    assert_int_equal(chunk.file_offset, 5 + first);
    assert_int_equal(chunk.file_size, 1100 - first);
    assert_true(chunk.last);
    assert_int_equal(body_next(b, &chunk), 0);
    body_close(b);
    arena_fini(&a);
}

static void
a_file_is_cut_where_the_clock_says(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_files, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_the_first_seconds_bytes_the_clock_rules),
        cmocka_unit_test(a_file_is_cut_where_the_clock_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
