/* http/uri.c and authority.c: the table was taken from a running nginx. */
#include "http/uri.h"

#include "../test.h"

static const struct {
    struct str raw;
    const char *uri; /* NULL: refused */
} merged[] = {
    { STR("/"), "/" },
    { STR("/index.html"), "/index.html" },
    { STR("/longer/than/a/block/x.html"), "/longer/than/a/block/x.html" },
    { STR("/longer/than/a//block/x.html"), "/longer/than/a/block/x.html" },
    { STR("/a%2Fb"), "/a/b" },
    { STR("/a%23b"), "/a#b" },
    { STR("/a%3Fb"), "/a?b" },
    { STR("/a%25b"), "/a%b" },
    { STR("/a%2541"), "/a%41" },
    { STR("/a#b"), "/a" },
    { STR("//a//b"), "/a/b" },
    { STR("/a/../b"), "/b" },
    { STR("/.."), NULL },
    { STR("/../a"), NULL },
    { STR("/a/.."), "/" },
    { STR("/a/../.."), NULL },
    { STR("/a/../../b"), NULL },
    { STR("/%2e%2e/b"), NULL },
    { STR("/./a"), "/a" },
    { STR("/."), "/" },
    { STR("/a/."), "/a/" },
    { STR("/a/./"), "/a/" },
    { STR("/a/..b"), "/a/..b" },
    { STR("/a/.b"), "/a/.b" },
    { STR("/a/..."), "/a/..." },
    { STR("/a/..../b"), "/a/..../b" },
    { STR("/a%00b"), NULL },
    { STR("/a\0b"), NULL },
    { STR("/a%zz"), NULL },
    { STR("/a%2"), NULL },
    { STR("/a%"), NULL },
    { STR("/a\x80\xff"), "/a\x80\xff" },
    { STR("/a+b"), "/a+b" },
    { STR("/a%2e%2e/b"), "/a../b" },
    { STR("/a/%2e%2e/b"), "/b" },
    { STR("/a/%2E"), "/a/" },
    { STR("/a%2f%2fb"), "/a/b" },
    { STR("/a//../b"), "/b" },
    { STR("/a/b//../c"), "/a/c" },
    { STR("/a/b/%2f/../c"), "/a/c" },
    { STR("/a%5cb"), "/a\\b" },
    { STR("/a%20b"), "/a b" },
    { STR("/a%01b"), "/a\x01" "b" },
    { STR("/a%c3%a9"), "/a\xc3\xa9" },
    { STR("/a/.%2e/b"), "/b" },
    { STR("/a/..#x"), "/" },
    { STR("/a/b/.."), "/a/" },
    { STR("/a/b/../"), "/a/" },
    { STR("/a%2f..%2fb"), "/b" },
    { STR("/a/%2f%2e%2e"), "/" },
    { STR("/a/..;/b"), "/a/..;/b" },
    { STR("/a%23/../b"), "/b" },
    { STR("/a//"), "/a/" },
    { STR("///"), "/" },
    { STR("/a/./../b"), "/b" },
    { STR("*"), "*" },
    { STR("a"), NULL },
    { STR(""), NULL },
}, apart[] = {
    { STR("//a//b"), "//a//b" },
    { STR("/a//../b"), "/a/b" },
    { STR("/a//..//b"), "/a//b" },
    { STR("//..//b"), "//b" },
    { STR("//"), "//" },
    { STR("/a/%2f/b"), "/a///b" },
    { STR("/a//."), "/a//" },
    { STR("/a//./b"), "/a//b" },
    { STR("/a/b//.."), "/a/b/" },
    { STR("//../../b"), NULL },
    { STR("/..//b"), NULL },
    { STR("///../b"), "//b" },
};

static void
check(struct str raw, bool merge, const char *want)
{
    struct arena a;
    struct str uri;
    arena_init(&a, 0);
    enum uri_outcome outcome = uri_normalize(raw, merge, &a, &uri);
    bool right = want ? outcome == URI_OK && str_eq(uri, str_of(want)) : outcome == URI_BAD;
    if (!right)
        print_message("%.*s: %.*s\n", STR_ARG(raw), STR_ARG(uri));
    assert_true(right);
    arena_fini(&a);
}

static void
paths_are_normalised_as_nginx_does(void **state)
{
    for (size_t i = 0; i < sizeof merged / sizeof *merged; i++)
        check(merged[i].raw, true, merged[i].uri);
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        check(apart[i].raw, false, apart[i].uri);
}

static void
a_normal_path_is_not_copied(void **state)
{
    struct str raw = STR("/a/b.c/d"), uri;
    assert_int_equal(uri_normalize(raw, true, NULL, &uri), URI_OK);
    assert_ptr_equal(uri.p, raw.p);
}

/* All bytes that nginx was seen to escape. */
static void
escaping_is_nginx_s_for_every_byte(void **state)
{
    static const struct str wanted[] = {
        [ESCAPE_URI] = STR(" \"#%<>?\\^`{|}"),
        [ESCAPE_ARGS] = STR(" \"#%&+;<>?\\^`{|}"),
        [ESCAPE_REDIRECT] = STR(" \"#%"),
        [ESCAPE_URI_COMPONENT] = STR(" \"#%&+;<>?\\^`{|}!$'()*,/:=@[]"),
    };
    struct arena a;
    arena_init(&a, 0);
    for (unsigned how = 0; how < 4; how++) {
        for (unsigned c = 0; c < 256; c++) {
            char byte = (char)c;
            bool escaped = c < 0x20 || c >= 0x7f || (c && str_find(wanted[how], byte) >= 0);
            struct str out = uri_escape((struct str){ &byte, 1 }, (enum uri_escape)how, &a);
            struct str want = escaped ? arena_printf(&a, "%%%02X", c) : (struct str){ &byte, 1 };
            assert_true(str_eq(out, want));
        }
    }
    arena_fini(&a);
}

static void
decoding_leaves_malformed_escapes(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    assert_true(str_eq(uri_decode(STR("a%20b%zz%2%"), &a), STR("a b%zz%2%")));
    assert_true(str_eq(uri_decode(STR("%00x"), &a), STR("\0x")));
    assert_true(str_eq(uri_decode(STR(""), &a), STR("")));
    arena_fini(&a);
}

static void
an_argument_is_the_first_of_its_name(void **state)
{
    assert_true(str_eq(uri_arg(STR("A=1"), STR("a")), STR("1")));
    assert_true(str_eq(uri_arg(STR("aa=2&a=3&a=4"), STR("a")), STR("3")));
    assert_true(str_eq(uri_arg(STR("a==1"), STR("a")), STR("=1")));
    assert_true(str_eq(uri_arg(STR("&a=%41"), STR("a")), STR("%41")));
    assert_null(uri_arg(STR("a"), STR("a")).p);
    assert_null(uri_arg(STR("x;a=1"), STR("a")).p);
    assert_null(uri_arg(STR("xa=1"), STR("a")).p);
    assert_null(uri_arg(STR("=1"), STR("")).p);
    assert_null(uri_arg(STR_NONE, STR("a")).p);
    assert_non_null(uri_arg(STR("a="), STR("a")).p);
}

static const struct {
    struct str text;
    const char *host; /* NULL: refused */
    int port;
} hosts[] = {
    { STR("h"), "h", -1 },
    { STR("H.EX"), "h.ex", -1 },
    { STR("h."), "h", -1 },
    { STR("H.:80"), "h", 80 },
    { STR("h:80"), "h", 80 },
    { STR("h:"), "h", -1 },
    { STR(".h"), ".h", -1 },
    { STR("h_a-b~c"), "h_a-b~c", -1 },
    { STR("h%41"), "h%41", -1 },
    { STR("h;a,b!$&'()*+="), "h;a,b!$&'()*+=", -1 },
    { STR("1.2.3.4:65535"), "1.2.3.4", 65535 },
    { STR("[::1]"), "[::1]", -1 },
    { STR("[AB::1]:8"), "[ab::1]", 8 },
    { STR("[::1]:"), "[::1]", -1 },
    { STR(""), NULL, 0 },
    { STR("."), NULL, 0 },
    { STR("h.."), NULL, 0 },
    { STR("a..b"), NULL, 0 },
    { STR(":80"), NULL, 0 },
    { STR("h:abc"), NULL, 0 },
    { STR("h:80:90"), NULL, 0 },
    { STR("h:65536"), NULL, 0 },
    { STR("h:-1"), NULL, 0 },
    { STR("h/x"), NULL, 0 },
    { STR("h\\x"), NULL, 0 },
    { STR("h x"), NULL, 0 },
    { STR("h\tx"), NULL, 0 },
    { STR("h%4"), NULL, 0 },
    { STR("h%"), NULL, 0 },
    { STR("u@h"), NULL, 0 },
    { STR("h?x"), NULL, 0 },
    { STR("h#x"), NULL, 0 },
    { STR("h<x>"), NULL, 0 },
    { STR("h\"{}|^`"), NULL, 0 },
    { STR("h\0x"), NULL, 0 },
    { STR("h\x7f"), NULL, 0 },
    { STR("h\x80"), NULL, 0 },
    { STR("[::1"), NULL, 0 },
    { STR("[::1]x"), NULL, 0 },
    { STR("[]"), NULL, 0 },
    { STR("[x.y]"), NULL, 0 },
    { STR("h]"), NULL, 0 },
    { STR("h["), NULL, 0 },
};

static void
hosts_are_read_by_rfc_3986(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct str host;
        int port;
        bool good = host_parse(hosts[i].text, &a, &host, &port);
        if (good != (hosts[i].host != NULL))
            print_message("%.*s\n", STR_ARG(hosts[i].text));
        assert_int_equal(good, hosts[i].host != NULL);
        assert_true(!good || (str_eq(host, str_of(hosts[i].host)) && port == hosts[i].port));
    }
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_normalised_as_nginx_does),
        cmocka_unit_test(a_normal_path_is_not_copied),
        cmocka_unit_test(escaping_is_nginx_s_for_every_byte),
        cmocka_unit_test(decoding_leaves_malformed_escapes),
        cmocka_unit_test(an_argument_is_the_first_of_its_name),
        cmocka_unit_test(hosts_are_read_by_rfc_3986),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
