/* http/range.c and cookie.c: the tables were taken from a running nginx (max_ranges 3, 10 bytes).
 */
#include "base/buf.h"
#include "http/cookie.h"
#include "http/range.h"

#include "../test.h"

static const struct {
    const char *value;
    enum range_outcome outcome;
    unsigned n;
    uint64_t from, to; /* of the first */
} ranges[] = {
    { "bytes=0-3", RANGE_PARTIAL, 1, 0, 4 },
    { "Bytes=0-", RANGE_PARTIAL, 1, 0, 10 },
    { "bytes=-3", RANGE_PARTIAL, 1, 7, 10 },
    { "bytes=-100", RANGE_PARTIAL, 1, 0, 10 },
    { "bytes=9-9", RANGE_PARTIAL, 1, 9, 10 },
    { "bytes=0-100", RANGE_PARTIAL, 1, 0, 10 },
    { "bytes= 0 - 3 ", RANGE_PARTIAL, 1, 0, 4 },
    { "bytes=0-0, 2-3", RANGE_PARTIAL, 2, 0, 1 },
    { "bytes=20-30,1-2", RANGE_PARTIAL, 1, 1, 3 },
    { "bytes=0-1,2-3,4-5,20-30", RANGE_PARTIAL, 3, 0, 2 },
    { "bytes=-0", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=10-", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=5-3", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=abc", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=1", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=-", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=0-3,", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=,0-3", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=0-3x", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=+1-3", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=5-5,abc", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=20-30,40-50", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=99999999999999999999-", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=0-99999999999999999999", RANGE_UNSATISFIABLE, 0, 0, 0 },
    { "bytes=", RANGE_NONE, 0, 0, 0 },
    { "items=0-3", RANGE_NONE, 0, 0, 0 },
    { "bytes =0-3", RANGE_NONE, 0, 0, 0 },
    { "bytes=0-5,0-5", RANGE_NONE, 0, 0, 0 },
    { "bytes=0-1,2-3,4-5,6-7", RANGE_NONE, 0, 0, 0 },
};

static void
ranges_are_judged_as_nginx_does(void **state)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct arena a;
        struct ranges out;
        arena_init(&a, 0);
        enum range_outcome outcome = range_parse(str_of(ranges[i].value), 10, 3, &a, &out);
        if (outcome != ranges[i].outcome)
            print_message("%s\n", ranges[i].value);
        assert_int_equal(outcome, ranges[i].outcome);
        if (outcome == RANGE_PARTIAL) {
            assert_int_equal(out.n, ranges[i].n);
            assert_int_equal(out.v[0].from, ranges[i].from);
            assert_int_equal(out.v[0].to, ranges[i].to);
        }
        arena_fini(&a);
    }
}

static void
many_ranges_keep_their_places(void **state)
{
    struct arena a;
    struct ranges out;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    buf_put(&b, STR("bytes=0-0"));
    for (int i = 1; i < 20; i++)
        buf_printf(&b, ",%d-%d", i, i);
    assert_int_equal(range_parse(buf_str(&b), 100, 20, &a, &out), RANGE_PARTIAL);
    assert_int_equal(out.n, 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(out.v[i].from, i);
    arena_fini(&a);
}

static void
tags_are_compared_weakly_or_strongly(void **state)
{
    assert_true(etag_list_has(STR("*"), STR("\"a\""), false));
    assert_true(etag_list_has(STR("\"x\", \"a\""), STR("\"a\""), false));
    assert_true(etag_list_has(STR("\"x,\", W/\"a\""), STR("\"a\""), true));
    assert_false(etag_list_has(STR("W/\"a\""), STR("W/\"a\""), false)); /* RFC 9110 8.8.3.2 */
    assert_false(etag_list_has(STR("\"ab\""), STR("\"a\""), true));
    assert_false(etag_list_has(STR_NONE, STR("\"a\""), true));
}

static void
cookies_are_found_as_nginx_finds_them(void **state)
{
    static const char *const cases[][2] = {
        { "abc=1", "1" },         { "ABC=2", "2" },         { "a=1; abc=3", "3" },
        { "a=1;abc=3", "3" },     { "a=1, abc=3", "3" },    { "a=1; ABC=2; abc=3", "2" },
        { "abc = 4", "4" },       { "abc=  5", "5" },       { "abc=", "" },
        { "abc", NULL },          { "abc=\"6\"", "\"6\"" }, { "abc=8;", "8" },
        { "abc=9 ; x=1", "9 " },  { "xabc=1", NULL },       { "abc==1", "=1" },
        { "x=1;;abc=2", "2" },    { "x=1;\tabc=2", NULL },  { "abc=1,abc=2", "1,abc=2" },
        { "abcd=1; abc=2", "2" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str value = cookie_value(str_of(cases[i][0]), STR("abc"));
        assert_int_equal(value.p == NULL, cases[i][1] == NULL);
        assert_true(str_eq(value, str_of(cases[i][1])));
    }
}

static void
a_set_cookie_is_taken_apart_and_printed(void **state)
{
    struct arena a;
    struct set_cookie c;
    arena_init(&a, 0);
    assert_true(set_cookie_parse(STR("path=1; Path=/a ;DOMAIN = b;; Secure;path=c=d"), 0, &a, &c));
    assert_true(str_eq(set_cookie_find(&c, STR("path"))->value, STR("/a")));
    assert_null(set_cookie_find(&c, STR("secure"))->value.p);
    assert_null(set_cookie_find(&c, STR("samesite")));
    assert_true(
        str_eq(set_cookie_print(&c, &a), STR("path=1; Path=/a; DOMAIN=b; ; Secure; path=c=d")));
    set_cookie_remove(&c, STR("path"));
    assert_true(str_eq(set_cookie_print(&c, &a), STR("path=1; DOMAIN=b; ; Secure")));
    assert_false(set_cookie_parse(STR("none; path=/"), 0, &a, &c));
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_judged_as_nginx_does),
        cmocka_unit_test(many_ranges_keep_their_places),
        cmocka_unit_test(tags_are_compared_weakly_or_strongly),
        cmocka_unit_test(cookies_are_found_as_nginx_finds_them),
        cmocka_unit_test(a_set_cookie_is_taken_apart_and_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
