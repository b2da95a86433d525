/* upstream/discover/dns: names become peers, and stay what their last good answer was. */
#include "../test.h"
#include "groups.h"

#include "../net/dns_server.h"

static struct upstream *
start(struct groups *g, const struct dns_server *d, const char *servers)
{
    char text[256];
    snprintf(text, sizeof text, "resolver 127.0.0.1:%u; upstream g { %s }",
             address_port(&d->address), servers);
    return groups_start(g, text);
}

static int
pick(struct upstream *u, struct arena *arena, char name[64])
{
    struct attempt a;
    attempt_init(&a, u, arena);
    int e = attempt_pick(&a, clock_in(5000));
    if (e < 0)
        return e;
    snprintf(name, 64, "%.*s", STR_ARG(peer_name(a.peer)));
    assert_true(str_eq(peer_host(a.peer), STR("name.test:81")));
    attempt_report(&a, ATTEMPT_GOOD);
    return 0;
}

static void
wait_for(struct upstream *u, struct arena *arena, const char *wanted)
{
    char name[64] = "";
    for (int i = 0; i < 300 && strcmp(name, wanted) != 0; i++) {
        assert_int_equal(pick(u, arena, name), 0);
        assert_int_equal(fiber_sleep(10), 0);
    }
    assert_string_equal(name, wanted);
}

static void
follow(void *arg)
{
    struct dns_script script[] = { { "name.test", 1, 0, 1, { "10.0.0.2", "10.0.0.1" } }, { 0 } };
    struct dns_server d;
    struct groups g;
    char name[64];
    dns_server_start(&d, script);
    struct upstream *u = start(&g, &d, "server name.test:81;");
    assert_int_equal(upstream_peer_count(u), 0);
    assert_int_equal(pick(u, &g.arena, name), 0); /* the first answer is waited for */
    assert_string_equal(name, "10.0.0.1:81");
    assert_int_equal(pick(u, &g.arena, name), 0);
    assert_string_equal(name, "10.0.0.2:81");
    assert_int_equal(upstream_peer_count(u), 2);
    script[0].addresses[0] = "10.0.0.3";
    script[0].addresses[1] = NULL;
    /* A pick under way keeps its peer, name and all, over the change. */
    struct attempt a;
    attempt_init(&a, u, &g.arena);
    assert_int_equal(attempt_pick(&a, 0), 0);
    wait_for(u, &g.arena, "10.0.0.3:81");
    assert_true(str_eq(peer_name(a.peer), STR("10.0.0.1:81")));
    attempt_report(&a, ATTEMPT_GOOD);
    assert_int_equal(upstream_peer_count(u), 1);
    assert_int_equal(health_count(), 1);
    script[0].rcode = 3; /* the name vanishes: its last good address stays */
    script[0].addresses[0] = NULL;
    unsigned before = d.questions;
    for (int i = 0; i < 300 && d.questions < before + 2; i++)
        assert_int_equal(fiber_sleep(10), 0);
    assert_true(d.questions >= before + 2);
    assert_int_equal(pick(u, &g.arena, name), 0);
    assert_string_equal(name, "10.0.0.3:81");
    groups_stop(&g);
    dns_server_stop(&d);
    resolve_fini();
}

static void
come_later(void *arg)
{
    struct dns_script script[] = { { "name.test", 1, 3 }, { 0 } };
    struct dns_server d;
    struct groups g;
    char name[64];
    dns_server_start(&d, script);
    struct upstream *u = start(&g, &d, "server name.test:81;");
    assert_int_equal(pick(u, &g.arena, name), -ENOENT);
    assert_int_equal(pick(u, &g.arena, name), -ENOENT);
    script[0] = (struct dns_script){ "name.test", 1, 0, 60, { "10.0.0.9" } };
    for (int i = 0; i < 300 && upstream_peer_count(u) == 0; i++)
        assert_int_equal(fiber_sleep(10), 0);
    assert_int_equal(pick(u, &g.arena, name), 0);
    assert_string_equal(name, "10.0.0.9:81");
    groups_stop(&g);
    dns_server_stop(&d);
    resolve_fini();
}

static void
stop_early(void *arg)
{
    struct dns_script script[] = { { "name.test", 1, .silent = true }, { 0 } };
    struct dns_server d;
    struct groups g;
    dns_server_start(&d, script);
    start(&g, &d, "server name.test:81;");
    groups_stop(&g); /* before the question was asked */
    struct upstream *u = start(&g, &d, "server name.test:81; server 10.0.0.1:1;");
    struct attempt a;
    attempt_init(&a, u, &g.arena);
    assert_int_equal(attempt_pick(&a, 0), 0); /* a literal address is there at once */
    assert_true(str_eq(peer_name(a.peer), STR("10.0.0.1:1")));
    attempt_report(&a, ATTEMPT_GOOD);
    assert_int_equal(fiber_sleep(5), 0);
    groups_stop(&g); /* while it is under way */
    u = start(&g, &d, "server name.test:81;");
    attempt_init(&a, u, &g.arena);
    assert_int_equal(attempt_pick(&a, clock_in(20)), -ENOENT);
    groups_stop(&g);
    dns_server_stop(&d);
    resolve_fini();
}

static void
go_adhoc(void *arg)
{
    struct dns_script script[] = { { "name.test", 1, 0, 60, { "10.0.0.1", "10.0.0.2" } }, { 0 } };
    struct dns_server d;
    struct upstream *u;
    struct attempt a;
    struct arena arena;
    arena_init(&arena, 0);
    dns_server_start(&d, script);
    struct resolver_settings s = dns_server_settings(&d);
    assert_int_equal(upstream_adhoc(STR("name.test:81"), 80, &s, &arena, &u, clock_in(5000)), 0);
    assert_int_equal(upstream_peer_count(u), 2);
    attempt_init(&a, u, &arena);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(attempt_pick(&a, 0), 0);
        attempt_report(&a, ATTEMPT_FAILED);
    }
    assert_int_equal(attempt_pick(&a, 0), -EHOSTUNREACH);
    assert_int_equal(upstream_adhoc(STR("no.test"), 80, &s, &arena, &u, clock_in(5000)), -ENOENT);
    dns_server_stop(&d);
    resolve_fini();
    arena_fini(&arena);
}

IN_LOOP(peers_follow_the_names_answers, follow)
IN_LOOP(a_name_that_comes_later_is_found, come_later)
IN_LOOP(a_table_stops_at_any_moment_of_a_question, stop_early)
IN_LOOP(an_adhoc_name_is_resolved_and_walked_over, go_adhoc)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_follow_the_names_answers),
        cmocka_unit_test(a_name_that_comes_later_is_found),
        cmocka_unit_test(a_table_stops_at_any_moment_of_a_question),
        cmocka_unit_test(an_adhoc_name_is_resolved_and_walked_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
