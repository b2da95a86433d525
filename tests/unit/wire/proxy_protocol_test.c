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

/* As HAProxy 2.6 has sent it, proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,
 * authority,crc32c,unique-id. */
static const struct str summed =
    STR(SIGNATURE "\x21\x11\0\x76\x7f\0\0\1\x7f\0\0\1\xa3\x52\x1b\x5a"
                  "\3\0\4\x93\x13\xec\x1d\1\0\2h2\2\0\ta.example\5\0\0"
                  "\x20\0\x4c\7\0\0\0\0!\0\7TLSv1.3\"\0\nclient one%\0\7RSA2048"
                  "$\0\nRSA-SHA256#\0\x16TLS_AES_256_GCM_SHA384");

static void
a_checksum_is_that_of_the_header_or_it_is_refused(void **state)
{
    struct proxy_header h;
    check_whole(summed, PROXY_IPV4, 41810);
    for (size_t i = 12; i < summed.n; i++) {
        char *copy = exact_copy(summed);
        copy[i] ^= 1;
        if (i < 14 || i > 15) /* lengths, and whether there is one */
            assert_true(proxy_header_parse((struct str){ copy, summed.n }, &h) != PROXY_DONE ||
                        h.family == PROXY_UNKNOWN || i == 28 || i == 29);
        free(copy);
    }
    assert_int_equal(proxy_header_parse(STR(SIGNATURE "\x21\x11\0\x11" V4_BODY "\3\0\2ab"), &h),
                     PROXY_BAD);
}

static void
check_written(const struct proxy_header *h, struct str expected)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    buf_put(&b, STR("before"));
    proxy_header_write_v2(&b, h);
    assert_true(str_eq(str_skip(buf_str(&b), 6), expected));
    arena_fini(&a);
}

static void
version_2_is_written_as_others_do(void **state)
{
    struct proxy_header h;
    assert_int_equal(proxy_header_parse(summed, &h), PROXY_DONE);
    h.tlvs = str_skip(h.tlvs, 7);
    h.checksum = true;
    check_written(&h, summed);
    h.tlvs = STR("\1\0\2h2");
    h.checksum = false;
    check_written(&h, STR(SIGNATURE "\x21\x11\0\x11\x7f\0\0\1\x7f\0\0\1\xa3\x52\x1b\x5a\1\0\2h2"));
    h.family = PROXY_UNKNOWN;
    check_written(&h, STR(SIGNATURE "\x21\0\0\5\1\0\2h2"));
    h.tlvs = STR_NONE;
    check_written(&h, STR(SIGNATURE "\x20\0\0\0"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_whole_and_wanted_whole),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(a_v1_line_without_end_is_refused_at_its_limit),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_checksum_is_that_of_the_header_or_it_is_refused),
        cmocka_unit_test(version_2_is_written_as_others_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
