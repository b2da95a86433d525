/* upstream/attempt, health, balance/round_robin: who is picked, and who is left alone. */
#include "../test.h"
#include "groups.h"

static void
expect_picks(struct upstream *u, struct arena *arena, const char *ids)
{
    for (; *ids; ids++)
        assert_int_equal(pick_once(u, arena, ATTEMPT_GOOD), *ids - '0');
}

static void
go_round(void *arg)
{
    struct groups g;
    struct upstream *u = groups_start(&g, "upstream g { server 10.0.0.1:1; server 10.0.0.1:2; }");
    expect_picks(u, &g.arena, "12121212");
    assert_int_equal(upstream_peer_count(u), 2);
    groups_stop(&g);
    u = groups_start(&g, "upstream g { server 10.0.0.1:1 weight=5; server 10.0.0.1:2; server "
                         "10.0.0.1:3; server 10.0.0.1:4 down; }");
    expect_picks(u, &g.arena, "11213111121311");
    groups_stop(&g);
}

static void
walk_all(void *arg)
{
    struct groups g;
    struct attempt a;
    struct upstream *u = groups_start(&g, "upstream g { server 10.0.0.1:1; server 10.0.0.1:2;"
                                          " server 10.0.0.1:3 backup; server 10.0.0.1:4 backup; }");
    attempt_init(&a, u, &g.arena);
    for (int i = 1; i <= 4; i++) {
        assert_int_equal(attempt_pick(&a, 0), 0);
        assert_int_equal(peer_name(a.peer).p[peer_name(a.peer).n - 1] - '0', i);
        assert_true(str_eq(peer_host(a.peer), peer_name(a.peer)));
        assert_true(attempt_report(&a, ATTEMPT_FAILED));
        assert_false(attempt_report(&a, ATTEMPT_FAILED)); /* once a pick */
    }
    assert_int_equal(attempt_pick(&a, 0), -EHOSTUNREACH);
    assert_int_equal(a.picks, 4);
    assert_int_equal(pick_once(u, &g.arena, ATTEMPT_GOOD), -EHOSTUNREACH); /* all are out */
    groups_stop(&g);
}

static void
fail_and_recover(void *arg)
{
    struct groups g;
    struct upstream *u = groups_start(&g, "upstream g { server 10.0.0.1:1 fail_timeout=60ms;"
                                          " server 10.0.0.1:2; }");
    assert_int_equal(pick_once(u, &g.arena, ATTEMPT_FAILED), 1);
    expect_picks(u, &g.arena, "2222");
    assert_int_equal(fiber_sleep(70), 0);
    /* One probe is let in; until it is judged the others keep away. */
    struct attempt probe;
    attempt_init(&probe, u, &g.arena);
    do {
        if (probe.peer)
            attempt_report(&probe, ATTEMPT_GOOD);
        attempt_init(&probe, u, &g.arena);
        assert_int_equal(attempt_pick(&probe, 0), 0);
    } while (probe.slot->health->down_until == 0);
    expect_picks(u, &g.arena, "222");
    attempt_report(&probe, ATTEMPT_GOOD);
    int ones = 0;
    for (int i = 0; i < 10; i++)
        ones += pick_once(u, &g.arena, ATTEMPT_GOOD) == 1;
    assert_in_range(ones, 4, 6);
    groups_stop(&g);
}

static void
count_failures(void *arg)
{
    struct groups g;
    struct upstream *u = groups_start(&g, "upstream g { server 10.0.0.1:1 max_fails=3;"
                                          " server 10.0.0.1:2 max_fails=0; }");
    int ones = 0;
    for (int i = 0; i < 40; i++)
        ones += pick_once(u, &g.arena, ATTEMPT_FAILED) == 1;
    assert_int_equal(ones, 3);
    groups_stop(&g);
    u = groups_start(&g, "upstream g { server 10.0.0.1:1; }");
    for (int i = 0; i < 5; i++) /* who is alone is never given up */
        assert_int_equal(pick_once(u, &g.arena, ATTEMPT_FAILED), 1);
    groups_stop(&g);
}

static void
fill_up(void *arg)
{
    struct groups g;
    struct attempt first, second, third;
    struct upstream *u = groups_start(&g, "upstream g { server 10.0.0.1:1 max_conns=1;"
                                          " server 10.0.0.1:2 max_conns=1; }");
    attempt_init(&first, u, &g.arena);
    attempt_init(&second, u, &g.arena);
    attempt_init(&third, u, &g.arena);
    assert_int_equal(attempt_pick(&first, 0), 0);
    assert_int_equal(attempt_pick(&second, 0), 0);
    assert_ptr_not_equal(first.peer, second.peer);
    assert_int_equal(attempt_pick(&third, 0), -EHOSTUNREACH);
    attempt_report(&first, ATTEMPT_NEUTRAL);
    assert_int_equal(attempt_pick(&third, 0), 0);
    attempt_report(&second, ATTEMPT_NEUTRAL);
    attempt_report(&third, ATTEMPT_NEUTRAL);
    groups_stop(&g);
}

static void
reload(void *arg)
{
    const char *text = "upstream g { server 10.0.0.1:1; server 10.0.0.1:2; }";
    struct groups old, new;
    struct upstream *u = groups_start(&old, text);
    assert_int_equal(pick_once(u, &old.arena, ATTEMPT_FAILED), 1);
    struct upstream *v = groups_start(&new, text);
    assert_int_equal(health_count(), 2);
    groups_stop(&old);
    expect_picks(v, &new.arena, "222"); /* what failed before the reload is known after it */
    groups_stop(&new);
}

IN_LOOP(picks_go_round_by_weight, go_round)
IN_LOOP(an_attempt_walks_over_all_peers_then_the_backups, walk_all)
IN_LOOP(a_failed_peer_is_left_alone_then_probed_once, fail_and_recover)
IN_LOOP(max_fails_counts_and_a_lone_peer_is_never_given_up, count_failures)
IN_LOOP(max_conns_limits_picks_under_way, fill_up)
IN_LOOP(health_survives_a_reload, reload)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_go_round_by_weight),
        cmocka_unit_test(an_attempt_walks_over_all_peers_then_the_backups),
        cmocka_unit_test(a_failed_peer_is_left_alone_then_probed_once),
        cmocka_unit_test(max_fails_counts_and_a_lone_peer_is_never_given_up),
        cmocka_unit_test(max_conns_limits_picks_under_way),
        cmocka_unit_test(health_survives_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
