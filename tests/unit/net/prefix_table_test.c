/* Prefix tables against a look at every prefix. */
#include "base/clock.h"
#include "base/random.h"
#include "net/prefix_file.h"

#include "../test.h"

#include <stdio.h>

enum { MOST = 400 };

static struct prefix_bits
parsed(const char *text)
{
    struct prefix p;
    struct prefix_bits bits;
    assert_int_not_equal(prefix_parse(str_of(text), &p), PREFIX_BAD);
    assert_true(prefix_bits_of(&p, &bits));
    return bits;
}

static void
prefixes_are_read_as_nginx_reads_them(void **state)
{
    static const struct {
        const char *text;
        enum prefix_reading form;
    } cases[] = {
        { "10.0.0.0/8", PREFIX_GOOD },
        { "10.0.0.1/8", PREFIX_LOOSE },
        { "10.0.0.1", PREFIX_GOOD },
        { "0.0.0.0/0", PREFIX_GOOD },
        { "1.2.3.4/0", PREFIX_LOOSE },
        { "::/0", PREFIX_GOOD },
        { "2001:db8::/32", PREFIX_GOOD },
        { "2001:db8::1/32", PREFIX_LOOSE },
        { "::1/128", PREFIX_GOOD },
        { "1.2.3.4/32", PREFIX_GOOD },
        { "1.2.3.4/33", PREFIX_BAD },
        { "::1/129", PREFIX_BAD },
        { "1.2.3", PREFIX_BAD },
        { "1.2.3.4.5", PREFIX_BAD },
        { "1.2.3.256", PREFIX_BAD },
        { "", PREFIX_BAD },
        { "/8", PREFIX_BAD },
        { "1.2.3.4/", PREFIX_BAD },
        { "1.2.3.4/-1", PREFIX_BAD },
        { "a::g", PREFIX_BAD },
        { "1..2.3", PREFIX_BAD },
        { "all", PREFIX_BAD },
    };
    struct prefix p;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (prefix_parse(str_of(cases[i].text), &p) != cases[i].form)
            fail_msg("%s", cases[i].text);
    assert_true(parsed("10.1.2.3/8").high == (uint64_t)10 << 56);
}

static uint32_t
naive(const struct prefix_bits *v, const uint32_t *values, unsigned n, enum prefix_rule rule,
      const struct prefix_bits *address)
{
    uint32_t best = PREFIX_NONE;
    int longest = -1;
    for (unsigned i = 0; i < n; i++) {
        if (!prefix_bits_covers(&v[i], address))
            continue;
        if (rule == PREFIX_LONGEST && v[i].length >= longest) {
            best = values[i];
            longest = v[i].length;
        }
        if (rule != PREFIX_LONGEST &&
            (best == PREFIX_NONE || (rule == PREFIX_LEAST_VALUE) == (values[i] < best)))
            best = values[i];
    }
    return best;
}

/* Few bits vary, so that prefixes meet. */
static struct prefix_bits
any_prefix(void)
{
    char text[80];
    unsigned r = (unsigned)random_below(1 << 24);
    if (r & 1)
        snprintf(text, sizeof text, "%u.%u.0.%u/%u", r >> 1 & 1 ? 255 : 10, r >> 2 & 3, r >> 4 & 7,
                 (unsigned)random_below(33));
    else
        snprintf(text, sizeof text, "%s:%x:%x::%x:%x/%u", r >> 1 & 1 ? "ffff" : "2001", r >> 2 & 1,
                 r >> 3 & 3, r >> 5 & 3, r >> 7 & 7,
                 (unsigned)(random_below(2) ? random_below(129) : 120 + random_below(9)));
    return parsed(text);
}

static struct prefix_bits
whole(struct prefix_bits p)
{
    p.length = p.v4 ? 32 : 128;
    return p;
}

static struct prefix_bits
next_to(struct prefix_bits p, bool after)
{
    struct prefix_bits at = after ? prefix_bits_end(&p) : whole(p);
    uint64_t step = after ? 1 : UINT64_MAX;
    if (at.v4) {
        at.high += step << 32;
        return at;
    }
    at.low += step;
    if (at.low == (after ? 0 : UINT64_MAX))
        at.high += step;
    return at;
}

static void
check(const struct prefix_table *t, const struct prefix_bits *v, const uint32_t *values, unsigned n,
      enum prefix_rule rule)
{
    for (unsigned i = 0; i < n; i++) {
        struct prefix_bits at[] = { whole(v[i]), prefix_bits_end(&v[i]), next_to(v[i], true),
                                    next_to(v[i], false), whole(any_prefix()) };
        for (unsigned k = 0; k < 5; k++)
            assert_int_equal(prefix_table_find(t, &at[k]), naive(v, values, n, rule, &at[k]));
    }
}

static void
tables_say_what_a_look_at_all_says(void **state)
{
    static const enum prefix_rule rules[] = { PREFIX_LONGEST, PREFIX_LEAST_VALUE,
                                              PREFIX_GREATEST_VALUE };
    for (unsigned round = 0; round < 150; round++) {
        struct prefix_bits v[MOST];
        uint32_t values[MOST];
        struct prefix_builder b;
        enum prefix_rule rule = rules[round % 3];
        unsigned n = (unsigned)random_below(round < 90 ? 12 : MOST);
        prefix_builder_init(&b);
        for (unsigned i = 0; i < n; i++) {
            v[i] = any_prefix();
            values[i] = (uint32_t)random_below(5);
            prefix_builder_add(&b, v[i], values[i]);
        }
        struct prefix_table *t = prefix_table_build(&b, rule);
        check(t, v, values, n, rule);
        assert_true(prefix_table_drop(t));
    }
}

static void
what_was_taken_back_is_not_found(void **state)
{
    struct prefix_builder b;
    prefix_builder_init(&b);
    prefix_builder_add(&b, parsed("10.0.0.0/8"), 1);
    prefix_builder_add(&b, parsed("10.1.0.0/16"), 2);
    prefix_builder_add(&b, parsed("10.1.0.0/16"), PREFIX_NONE);
    prefix_builder_add(&b, parsed("10.2.0.0/16"), PREFIX_NONE);
    prefix_builder_add(&b, parsed("10.2.0.0/16"), 3);
    struct prefix_table *t = prefix_table_build(&b, PREFIX_LONGEST);
    struct prefix_bits a = parsed("10.1.2.3"), c = parsed("10.2.2.3");
    assert_int_equal(prefix_table_find(t, &a), 1);
    assert_int_equal(prefix_table_find(t, &c), 3);
    prefix_table_drop(t);
}

static void
ranges_have_their_ends_and_no_more(void **state)
{
    static const char *const ends[][2] = { { "10.0.0.3", "10.0.7.9" },
                                           { "0.0.0.0", "255.255.255.255" },
                                           { "1.2.3.4", "1.2.3.4" },
                                           { "255.255.255.254", "255.255.255.255" },
                                           { "2001:db8::5", "2001:db8:0:1::7" },
                                           { "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" } };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct prefix_builder b;
        struct prefix_bits first = parsed(ends[i][0]), last = parsed(ends[i][1]);
        prefix_builder_init(&b);
        prefix_builder_add_range(&b, first, last, 7);
        struct prefix_table *t = prefix_table_build(&b, PREFIX_LONGEST);
        struct prefix_bits before = next_to(first, false), after = next_to(last, true);
        bool from_start = first.high == 0 && first.low == 0;
        bool to_end = after.high == 0 && after.low == 0;
        assert_int_equal(prefix_table_find(t, &first), 7);
        assert_int_equal(prefix_table_find(t, &last), 7);
        assert_int_equal(prefix_table_find(t, &before), from_start && to_end ? 7 : PREFIX_NONE);
        assert_int_equal(prefix_table_find(t, &after), from_start && to_end ? 7 : PREFIX_NONE);
        prefix_table_drop(t);
    }
}

static void
files_of_the_same_text_share_a_table(void **state)
{
    unsigned line;
    struct prefix_table *one = prefix_file_table(STR("10.0.0.0/8\n# x\n::1 # y\r\n"), &line);
    struct prefix_table *two = prefix_file_table(STR("10.0.0.0/8\n# x\n::1 # y\r\n"), &line);
    struct prefix_bits inside = parsed("10.2.3.4"), outside = parsed("11.0.0.0");
    assert_non_null(one);
    assert_ptr_equal(one, two);
    prefix_file_table_drop(one);
    assert_int_equal(prefix_table_find(two, &inside), 0);
    assert_int_equal(prefix_table_find(two, &outside), PREFIX_NONE);
    prefix_file_table_drop(two);
    assert_null(prefix_file_table(STR("10.0.0.0/8\n\n10.0.0.0/99\n"), &line));
    assert_int_equal(line, 3);
}

static void
an_address_is_found_among_ipv4_though_it_came_by_ipv6(void **state)
{
    struct address a;
    struct prefix_bits p;
    assert_true(address_parse(STR("[::ffff:10.1.2.3]:80"), 0, &a));
    assert_true(prefix_bits_of_address(&a, &p));
    assert_true(p.v4 && p.high == parsed("10.1.2.3").high);
    assert_true(address_parse(STR("unix:/x"), 0, &a));
    assert_false(prefix_bits_of_address(&a, &p));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_read_as_nginx_reads_them),
        cmocka_unit_test(tables_say_what_a_look_at_all_says),
        cmocka_unit_test(what_was_taken_back_is_not_found),
        cmocka_unit_test(ranges_have_their_ends_and_no_more),
        cmocka_unit_test(files_of_the_same_text_share_a_table),
        cmocka_unit_test(an_address_is_found_among_ipv4_though_it_came_by_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
