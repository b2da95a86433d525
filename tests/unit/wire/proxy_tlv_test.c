/* wire/proxy_tlv.c and base/crc32c.c: types by name, lists that break off, checks of RFC 3720. */
#include "wire/proxy_tlv.h"

#include "base/crc32c.h"
#include "transcript.h"

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
types_have_names_and_numbers(void **state)
{
    static const struct {
        struct str name;
        unsigned type;
    } good[] = { { STR("alpn"), 1 },    { STR("authority"), 2 }, { STR("unique_id"), 5 },
                 { STR("ssl"), 0x20 },  { STR("netns"), 0x30 },  { STR("0xE0"), 0xe0 },
                 { STR("0xff"), 0xff }, { STR("0x0"), 0 } },
      bad[] = { { STR("ALPN"), 0 }, { STR("0x"), 0 },  { STR("0x100"), 0 },  { STR("224"), 0 },
                { STR(""), 0 },     { STR("0xg"), 0 }, { STR("version"), 0 } };
    unsigned type;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(proxy_tlv_type(good[i].name, &type));
        assert_int_equal(type, good[i].type);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(proxy_tlv_type(bad[i].name, &type));
    assert_true(proxy_ssl_tlv_type(STR("version"), &type) && type == 0x21);
    assert_false(proxy_ssl_tlv_type(STR("alpn"), &type));
}

static void
what_is_written_is_type_length_value(void **state)
{
    char value[300];
    struct arena a;
    struct buf b;
    memset(value, 'v', sizeof value);
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    proxy_tlv_write(&b, 0xe0, (struct str){ value, sizeof value });
    assert_int_equal(b.n, 303);
    assert_memory_equal(b.p, "\xe0\x01\x2cvvv", 6);
    arena_fini(&a);
}

static void
checksums_are_those_of_the_rfc(void **state)
{
    char bytes[32];
    assert_int_equal(crc32c(0, STR_NONE), 0);
    assert_int_equal(crc32c(0, STR("123456789")), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, STR("1234")), STR("56789")), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, (struct str){ bytes, sizeof bytes }), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, (struct str){ bytes, sizeof bytes }), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (char)i;
    assert_int_equal(crc32c(0, (struct str){ bytes, sizeof bytes }), 0x46dd794e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tlvs_are_found_by_type_up_to_a_broken_one),
        cmocka_unit_test(types_have_names_and_numbers),
        cmocka_unit_test(what_is_written_is_type_length_value),
        cmocka_unit_test(checksums_are_those_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
