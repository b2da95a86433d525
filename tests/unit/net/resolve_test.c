/* net/resolve and net/dns against a scripted server. */
#include "net/resolve.h"

#include "../test.h"
#include "dns_server.h"

#include <errno.h>

static void
expect_address(const struct answer *a, unsigned i, const char *text)
{
    char out[ADDRESS_TEXT_MAX];
    assert_true(i < a->n);
    address_print(&a->addresses[i], false, out);
    assert_string_equal(out, text);
    assert_int_equal(address_port(&a->addresses[i]), 0);
}

static void
ask_twice(void *arg)
{
    struct dns_script script[] = {
        { "two.test", 1, 0, 60, { "10.0.0.1", "10.0.0.2" } },
        { 0 },
    };
    struct dns_server d;
    struct arena a;
    struct answer answer;
    arena_init(&a, 0);
    dns_server_start(&d, script);
    struct resolver_settings s = dns_server_settings(&d);
    assert_int_equal(resolve(STR("two.test"), &s, &a, &answer, clock_in(5000)), 0);
    assert_int_equal(answer.n, 2);
    expect_address(&answer, 0, "10.0.0.1");
    expect_address(&answer, 1, "10.0.0.2");
    assert_in_range(answer.fresh_until, clock_in(55000), clock_in(60000));
    script[0].addresses[0] = "10.0.0.3";
    assert_int_equal(resolve(STR("TWO.test"), &s, &a, &answer, clock_in(5000)), 0);
    expect_address(&answer, 0, "10.0.0.1");
    assert_int_equal(d.questions, 1); /* the TTL is honoured */
    s.valid_ms = 1;                   /* other settings: another cache */
    assert_int_equal(resolve(STR("two.test"), &s, &a, &answer, clock_in(5000)), 0);
    expect_address(&answer, 0, "10.0.0.3");
    assert_in_range(answer.fresh_until, clock_in(900), clock_in(1000)); /* a second at least */
    dns_server_stop(&d);
    resolve_fini();
    arena_fini(&a);
}

static void
ask_both_families(void *arg)
{
    struct dns_script script[] = {
        { "six.test", 1, 0, 60, { "127.0.0.1" } },
        { "six.test", 28, 0, 5, { "::1" } },
        { 0 },
    };
    struct dns_server d;
    struct arena a;
    struct answer answer;
    arena_init(&a, 0);
    dns_server_start(&d, script);
    struct resolver_settings s = dns_server_settings(&d);
    assert_int_equal(resolve(STR("six.test"), &s, &a, &answer, clock_in(5000)), 0);
    assert_in_range(answer.n, 1, 2); /* ::1 only where the host has IPv6 */
    s.ipv6 = false;
    assert_int_equal(resolve(STR("six.test"), &s, &a, &answer, clock_in(5000)), 0);
    assert_int_equal(answer.n, 1);
    expect_address(&answer, 0, "127.0.0.1");
    dns_server_stop(&d);
    resolve_fini();
    arena_fini(&a);
}

static void
fail_in_each_way(void *arg)
{
    struct dns_script script[] = {
        { "none.test", 1, 3 },
        { "none.test", 28, 3 },
        { "mute.test", 1, .silent = true },
        { "mute.test", 28, .silent = true },
        { 0 },
    };
    struct dns_server d;
    struct arena a;
    struct answer answer;
    arena_init(&a, 0);
    dns_server_start(&d, script);
    struct resolver_settings s = dns_server_settings(&d);
    assert_int_equal(resolve(STR("none.test"), &s, &a, &answer, clock_in(5000)), -ENOENT);
    assert_int_equal(resolve(STR("none.test"), &s, &a, &answer, clock_in(5000)), -ENOENT);
    assert_int_equal(d.questions, 1); /* failures are kept for a moment */
    assert_int_equal(resolve(STR("empty.test"), &s, &a, &answer, clock_in(5000)), -ENOENT);
    assert_int_equal(resolve(STR("mute.test"), &s, &a, &answer, clock_in(30)), -ETIMEDOUT);
    s.timeout_ms = 30;
    assert_int_equal(resolve(STR("mute.test"), &s, &a, &answer, NEVER), -ETIMEDOUT);
    assert_int_equal(resolve(STR(""), &s, &a, &answer, NEVER), -ENOENT);
    assert_int_equal(resolve(STR("..a"), &s, &a, &answer, clock_in(5000)), -ENOENT);
    dns_server_stop(&d);
    resolve_fini(); /* a question is still under way */
    arena_fini(&a);
}

static void
ask_by_stream(void *arg)
{
    struct dns_script script[] = {
        { "big.test", 1, 0, 60, { "10.0.0.1", "10.0.0.2", "10.0.0.3" }, .truncated = true },
        { "big.test", 28, 0, 60, .truncated = true },
        { "huge.test", 1, 0, 60, { "10.0.0.4" }, .truncated = true },
        { "huge.test", 28, 0, 60, .truncated = true },
        { 0 },
    };
    struct dns_server d;
    struct arena a;
    struct answer answer;
    arena_init(&a, 0);
    dns_server_start(&d, script);
    struct resolver_settings s = dns_server_settings(&d);
    uint64_t start = clock_ms();
    assert_int_equal(resolve(STR("big.test"), &s, &a, &answer, clock_in(8000)), 0);
    assert_int_equal(answer.n, 3);
    assert_int_equal(resolve(STR("huge.test"), &s, &a, &answer, clock_in(8000)), 0);
    assert_int_equal(answer.n, 1);
    assert_true(d.connections >= 1);
    assert_true(clock_ms() - start < 1500); /* no question waited for its repetition */
    dns_server_stop(&d);
    resolve_fini();
    arena_fini(&a);
}

struct asker {
    struct child child;
    const struct resolver_settings *settings;
};

static void
ask_once(void *arg)
{
    struct asker *me = arg;
    struct arena a;
    struct answer answer;
    arena_init(&a, 0);
    assert_int_equal(resolve(STR("one.test"), me->settings, &a, &answer, clock_in(5000)), 0);
    expect_address(&answer, 0, "10.0.0.1");
    arena_fini(&a);
}

static void
ask_at_once(void *arg)
{
    struct dns_script script[] = { { "one.test", 1, 0, 1, { "10.0.0.1" } }, { 0 } };
    struct dns_server d;
    struct asker askers[20];
    dns_server_start(&d, script);
    struct resolver_settings s = dns_server_settings(&d);
    for (int i = 0; i < 20; i++) {
        askers[i].settings = &s;
        child_start(&askers[i].child, ask_once, &askers[i]);
    }
    for (int i = 0; i < 20; i++)
        child_join(&askers[i].child);
    assert_int_equal(d.questions, 1);
    dns_server_stop(&d);
    resolve_fini();
}

static void
read_hosts(void *arg)
{
    struct arena a;
    struct answer answer;
    arena_init(&a, 0);
    assert_int_equal(resolve(STR("localhost"), NULL, &a, &answer, clock_in(5000)), 0);
    bool loopback = false;
    for (unsigned i = 0; i < answer.n; i++)
        loopback |= ntohl(answer.addresses[i].v4.sin_addr.s_addr) == INADDR_LOOPBACK;
    assert_true(loopback);
    resolve_fini();
    arena_fini(&a);
}

#define IN_LOOP(name, fn)                              \
    static void name(void **state)                     \
    {                                                  \
        assert_int_equal(loop_run_fiber(fn, NULL), 0); \
    }

IN_LOOP(an_answer_is_kept_for_its_ttl, ask_twice)
IN_LOOP(families_are_those_of_the_settings, ask_both_families)
IN_LOOP(a_missing_name_and_a_silent_server_are_told_apart, fail_in_each_way)
IN_LOOP(a_truncated_answer_is_fetched_by_tcp, ask_by_stream)
IN_LOOP(askers_at_once_share_one_question, ask_at_once)
IN_LOOP(the_hosts_file_is_read, read_hosts)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_kept_for_its_ttl),
        cmocka_unit_test(families_are_those_of_the_settings),
        cmocka_unit_test(a_missing_name_and_a_silent_server_are_told_apart),
        cmocka_unit_test(a_truncated_answer_is_fetched_by_tcp),
        cmocka_unit_test(askers_at_once_share_one_question),
        cmocka_unit_test(the_hosts_file_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
