/* h2/budget */
#include "h2/budget.h"

#include "fiber/loop.h"

#include "../test.h"

static void
control_frames_are_borne_up_to_a_number(void **state)
{
    struct h2_budget b;
    unsigned n = 0;
    h2_budget_init(&b);
    while (n < 100000 && h2_budget_control(&b))
        n++;
    assert_in_range(n, 1000, 5000);
    assert_false(h2_budget_control(&b));
}

static void
work_done_earns_more_of_them(void **state)
{
    struct h2_budget b;
    h2_budget_init(&b);
    for (unsigned i = 0; i < 100000; i++) {
        assert_true(h2_budget_control(&b));
        assert_true(h2_budget_control(&b));
        h2_budget_earn_frame(&b);
    }
    h2_budget_earn_request(&b);
    assert_true(h2_budget_control(&b));
}

static void
resets_are_borne_up_to_a_number_whatever_was_asked(void **state)
{
    struct h2_budget b;
    unsigned n = 0;
    h2_budget_init(&b);
    while (n < 100000 && h2_budget_reset(&b)) {
        h2_budget_earn_request(&b);
        n++;
    }
    assert_in_range(n, 100, 1000);
}

static void
who_lets_every_other_stream_end_may_reset_for_ever(void **state)
{
    struct h2_budget b;
    h2_budget_init(&b);
    for (unsigned i = 0; i < 100000; i++) {
        assert_true(h2_budget_reset(&b));
        h2_budget_earn_stream(&b);
    }
}

static void
time_refills(void **state)
{
    struct h2_budget b;
    h2_budget_init(&b);
    while (h2_budget_reset(&b))
        continue;
    b.filled_ms -= 3000;
    for (int i = 0; i < 50; i++)
        assert_true(h2_budget_reset(&b));
    b.filled_ms -= UINT64_C(1) << 40;
    assert_true(h2_budget_reset(&b));
}

static int
refresh(void **state)
{
    clock_refresh();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_frames_are_borne_up_to_a_number),
        cmocka_unit_test(work_done_earns_more_of_them),
        cmocka_unit_test(resets_are_borne_up_to_a_number_whatever_was_asked),
        cmocka_unit_test(who_lets_every_other_stream_end_may_reset_for_ever),
        cmocka_unit_test(time_refills),
    };
    return cmocka_run_group_tests(tests, refresh, NULL);
}
