/* net/prefix.c: what a prefix holds, and what is none. */
#include "net/prefix.h"

#include "../test.h"

static bool
holds(const char *prefix, const char *address)
{
    struct prefix p;
    struct address a;
    assert_int_not_equal(prefix_parse(str_of(prefix), &p), PREFIX_BAD);
    assert_true(address_parse(str_of(address), 0, &a));
    return prefix_holds(&p, &a);
}

static void
a_prefix_holds_what_begins_with_it(void **state)
{
    assert_true(holds("10.0.0.0/8", "10.255.1.2"));
    assert_false(holds("10.0.0.0/8", "11.0.0.0"));
    assert_true(holds("192.0.2.128/25", "192.0.2.200"));
    assert_false(holds("192.0.2.128/25", "192.0.2.100"));
    assert_true(holds("0.0.0.0/0", "1.2.3.4"));
    assert_false(holds("0.0.0.0/0", "[::1]"));
    assert_true(holds("2001:db8::/33", "[2001:db8:7fff::1]"));
    assert_false(holds("2001:db8::/33", "[2001:db8:8000::1]"));
    assert_true(holds("::1", "[::1]"));
    assert_true(holds("unix:", "unix:/x"));
    assert_false(holds("unix:", "1.2.3.4"));
}

static void
mapped_addresses_are_ipv4(void **state)
{
    assert_true(holds("192.0.2.0/24", "[::ffff:192.0.2.7]"));
    assert_false(holds("::/0", "[::ffff:192.0.2.7]"));
}

static void
what_is_none_and_what_is_loose(void **state)
{
    struct prefix p;
    assert_int_equal(prefix_parse(STR("10.1.2.3/8"), &p), PREFIX_LOOSE);
    assert_int_equal(p.bytes[1], 0);
    assert_int_equal(prefix_parse(STR("10.0.0.0/33"), &p), PREFIX_BAD);
    assert_int_equal(prefix_parse(STR("10.0.0.0/"), &p), PREFIX_BAD);
    assert_int_equal(prefix_parse(STR("10.0.0/8"), &p), PREFIX_BAD);
    assert_int_equal(prefix_parse(STR(""), &p), PREFIX_BAD);
    assert_int_equal(prefix_parse(STR("::/129"), &p), PREFIX_BAD);
    assert_int_equal(prefix_parse(STR("name"), &p), PREFIX_BAD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_holds_what_begins_with_it),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(what_is_none_and_what_is_loose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
