/* net/address: literals to sockaddr and back as nginx prints them. */
#include "net/address.h"

#include "../test.h"

static void
expect(const char *text, unsigned port, const char *with_port, const char *without)
{
    struct address a;
    char out[ADDRESS_TEXT_MAX];
    assert_true(address_parse(str_of(text), port, &a));
    assert_int_equal(address_print(&a, true, out), strlen(with_port));
    assert_string_equal(out, with_port);
    assert_int_equal(address_print(&a, false, out), strlen(without));
    assert_string_equal(out, without);
}

static void
literals_come_back_as_nginx_prints_them(void **state)
{
    expect("1.2.3.4:80", 8080, "1.2.3.4:80", "1.2.3.4");
    expect("1.2.3.4", 8080, "1.2.3.4:8080", "1.2.3.4");
    expect("[::1]:443", 80, "[::1]:443", "::1");
    expect("[2001:DB8::0:1]", 80, "[2001:db8::1]:80", "2001:db8::1");
    expect("unix:/run/a.sock", 80, "unix:/run/a.sock", "unix:");
}

static void
what_is_not_a_literal_is_refused(void **state)
{
    static const char *const bad[] = {
        "",          "localhost", "1.2.3",       "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:x",
        "1.2.3.4:",  ":80",       "[::1",        "[]:80",     "[::1]80",       "::1",
        "[1.2.3.4]", "unix:",     "1.2.3.4 :80", "[::g]",
    };
    struct address a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(address_parse(str_of(bad[i]), 80, &a));
    char path[200] = "unix:/";
    memset(path + 6, 'x', sizeof path - 7);
    assert_false(address_parse(str_of(path), 80, &a));
}

static void
host_and_port_are_split(void **state)
{
    struct str host;
    int port;
    assert_true(address_split(STR("example.com:81"), &host, &port));
    assert_true(str_eq(host, STR("example.com")));
    assert_int_equal(port, 81);
    assert_true(address_split(STR("[::1]:82"), &host, &port));
    assert_true(str_eq(host, STR("::1")));
    assert_int_equal(port, 82);
    assert_true(address_split(STR("example.com"), &host, &port));
    assert_int_equal(port, -1);
    assert_false(address_split(STR("example.com:99999"), &host, &port));
    assert_false(address_split(STR(":80"), &host, &port));
}

static void
equality_knows_port_family_and_path(void **state)
{
    struct address a, b;
    assert_true(address_parse(STR("127.0.0.1:80"), 0, &a));
    assert_true(address_parse(STR("127.0.0.1"), 80, &b));
    assert_true(address_equal(&a, &b));
    assert_true(address_hash(&a) == address_hash(&b));
    address_set_port(&b, 81);
    assert_int_equal(address_port(&b), 81);
    assert_false(address_equal(&a, &b));
    assert_false(address_hash(&a) == address_hash(&b));
    assert_true(address_parse(STR("unix:/a"), 0, &a));
    assert_true(address_parse(STR("unix:/b"), 0, &b));
    assert_false(address_equal(&a, &b));
    assert_int_equal(address_port(&a), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_come_back_as_nginx_prints_them),
        cmocka_unit_test(what_is_not_a_literal_is_refused),
        cmocka_unit_test(host_and_port_are_split),
        cmocka_unit_test(equality_knows_port_family_and_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
