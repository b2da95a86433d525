/* http/base64.c: both alphabets, and what is no base64. */
#include "http/base64.h"

#include "../test.h"

static struct arena arena;

static void
expect(struct str text, struct str bytes)
{
    struct str got = base64_decode(&arena, text);
    assert_int_equal(got.n, bytes.n);
    assert_memory_equal(got.p, bytes.p, bytes.n);
}

static void
texts_are_decoded_with_and_without_padding(void **state)
{
    expect(STR(""), STR(""));
    expect(STR("Zg=="), STR("f"));
    expect(STR("Zg"), STR("f"));
    expect(STR("Zm8="), STR("fo"));
    expect(STR("Zm9vYmFy"), STR("foobar"));
    expect(STR("+/8="), STR("\xfb\xff"));
    assert_true(str_eq(base64url_decode(&arena, STR("-_8")), STR("\xfb\xff")));
}

static void
what_is_none_is_refused(void **state)
{
    assert_null(base64_decode(&arena, STR("Z")).p);
    assert_null(base64_decode(&arena, STR("Zm9vY")).p);
    assert_null(base64_decode(&arena, STR("Zm 9")).p);
    assert_null(base64_decode(&arena, STR("-_8=")).p);
    assert_null(base64url_decode(&arena, STR("+/8=")).p);
}

static void
what_is_encoded_is_decoded_to_itself(void **state)
{
    const struct str all = STR("\0\1\2\375\376\377foob");
    for (size_t n = 0; n <= all.n; n++)
        expect(base64_encode(&arena, str_head(all, n)), str_head(all, n));
    assert_true(str_eq(base64_encode(&arena, STR("f")), STR("Zg==")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_decoded_with_and_without_padding),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(what_is_encoded_is_decoded_to_itself),
    };
    arena_init(&arena, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
