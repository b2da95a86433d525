/* wire/proxy_protocol.c: whole, one byte less, and all that is none. */
#include "wire/proxy_protocol.h"

#include "transcript.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_BODY   "\300\0\2\1\306\63\144\1\22\147\0\120" /* 192.0.2.1:4711 to 198.51.100.1:80 */

/* As if the bytes after it were not ours to read. */
static enum proxy_progress
parse(struct str in, struct proxy_header *out, char **copy)
{
    *copy = exact_copy(in);
    return proxy_header_parse((struct str){ *copy, in.n }, out);
}

/* DONE with what follows left alone, and MORE at every byte before the end. */
static void
check_whole(struct str in, enum proxy_family family, unsigned port)
{
    struct proxy_header h;
    char *copy;
    assert_int_equal(parse(in, &h, &copy), PROXY_DONE);
    assert_int_equal(h.size, in.n);
    assert_int_equal(h.family, family);
    assert_int_equal(h.source.port, port);
    free(copy);
    for (size_t n = 0; n < in.n; n++) {
        assert_int_equal(parse(str_head(in, n), &h, &copy), PROXY_MORE);
        free(copy);
    }
}

static void
headers_are_read_whole_and_wanted_whole(void **state)
{
    check_whole(STR("PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n"), PROXY_IPV4, 4711);
    check_whole(STR("PROXY TCP6 2001:db8::1 ::1 0 80\r\n"), PROXY_IPV6, 0);
    check_whole(STR("PROXY UNKNOWN what ever\r\n"), PROXY_UNKNOWN, 0);
    check_whole(STR(SIGNATURE "\x21\x11\0\x0c" V4_BODY), PROXY_IPV4, 4711);
    check_whole(STR(SIGNATURE "\x21\x11\0\x11" V4_BODY "\1\0\2h2"), PROXY_IPV4, 4711);
    check_whole(STR(SIGNATURE "\x20\x11\0\x0c" V4_BODY), PROXY_UNKNOWN, 0);
    check_whole(STR(SIGNATURE "\x21\0\0\0"), PROXY_UNKNOWN, 0);
}

static void
what_is_none_is_refused(void **state)
{
    static const struct str bad[] = {
        { "GET / HTTP/1.1", 14 },
        { "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", 31 },
        { "PROXY TCP4 ::1 ::1 1 2\r\n", 24 },
        { "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", 32 },
        { "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", 34 },
        { "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", 33 },
        { "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", 36 },
        { "PROXY TCP4 1.2.3.4\r\n", 20 },
        { SIGNATURE "\x22\x11\0\x0c" V4_BODY, 28 },
        { SIGNATURE "\x21\x11\0\x0b" V4_BODY, 27 },
        { SIGNATURE "\x21\x11\xff\xff" V4_BODY, 28 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct proxy_header h;
        char *copy;
        assert_int_equal(parse(bad[i], &h, &copy), PROXY_BAD);
        free(copy);
    }
}

static void
a_v1_line_without_end_is_refused_at_its_limit(void **state)
{
    char line[PROXY_V1_MAX + 1] = "PROXY UNKNOWN ";
    struct proxy_header h;
    memset(line + 14, 'x', sizeof line - 14);
    assert_int_equal(proxy_header_parse((struct str){ line, PROXY_V1_MAX - 1 }, &h), PROXY_MORE);
    assert_int_equal(proxy_header_parse((struct str){ line, PROXY_V1_MAX }, &h), PROXY_BAD);
}

static void
tlvs_are_found_by_type_up_to_a_broken_one(void **state)
{
    const struct str tlvs = STR("\1\0\2h2\5\0\0\3\0\5ab");
    struct str value;
    assert_true(proxy_tlv_find(tlvs, 1, &value) && str_eq(value, STR("h2")));
    assert_true(proxy_tlv_find(tlvs, 5, &value) && value.n == 0);
    assert_false(proxy_tlv_find(tlvs, 3, &value));
    assert_false(proxy_tlv_find(STR_NONE, 3, &value));
}

static void
what_is_written_is_read_again(void **state)
{
    struct arena a;
    struct buf b;
    struct proxy_header h, again;
    arena_init(&a, 0);
    assert_int_equal(proxy_header_parse(STR("PROXY TCP6 2001:db8::1 ::1 1 80\r\n"), &h),
                     PROXY_DONE);
    buf_init(&b, &a, 0, 0);
    proxy_header_write_v1(&b, &h);
    assert_true(str_eq(buf_str(&b), STR("PROXY TCP6 2001:db8::1 ::1 1 80\r\n")));
    buf_init(&b, &a, 0, 0);
    proxy_header_write_v2(&b, &h);
    assert_int_equal(proxy_header_parse(buf_str(&b), &again), PROXY_DONE);
    assert_memory_equal(again.source.address, h.source.address, 16);
    assert_int_equal(again.destination.port, 80);
    h.family = PROXY_UNKNOWN;
    buf_init(&b, &a, 0, 0);
    proxy_header_write_v1(&b, &h);
    proxy_header_write_v2(&b, &h);
    assert_int_equal(proxy_header_parse(buf_str(&b), &again), PROXY_DONE);
    assert_int_equal(proxy_header_parse(str_skip(buf_str(&b), again.size), &again), PROXY_DONE);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_whole_and_wanted_whole),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(a_v1_line_without_end_is_refused_at_its_limit),
        cmocka_unit_test(tlvs_are_found_by_type_up_to_a_broken_one),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
