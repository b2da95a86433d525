/* gateway/hop_by_hop.c: what is for one hop only. */
#include "gateway/hop_by_hop.h"

#include "../test.h"

#include <stdio.h>

static struct fields
fields_of(struct arena *a, const char *const *pairs)
{
    struct fields f;
    fields_init(&f, a);
    for (; *pairs; pairs += 2)
        fields_add(&f, str_of(pairs[0]), str_of(pairs[1]));
    return f;
}

static bool
names(struct arena *a, const char *const *pairs, const char *name)
{
    struct fields f = fields_of(a, pairs);
    const struct hop_names n = hop_names_of(&f);
    const struct field field = { str_of(name), STR("v"), header_id(str_of(name)) };
    return hop_names_has(&n, &field);
}

static void
every_connection_field_may_nominate(void **state)
{
    const char *const two[] = { "Connection", "keep-alive", "connection", "x-a ,\tX-B",
                                "CONNECTION", "y",          NULL };
    struct arena a;
    arena_init(&a, 0);
    assert_true(names(&a, two, "X-A"));
    assert_true(names(&a, two, "x-b"));
    assert_true(names(&a, two, "Y"));
    assert_false(names(&a, two, "X"));
    arena_fini(&a);
}

static void
a_field_may_nominate_very_many(void **state)
{
    char text[20001];
    const char *const many[] = { "Connection", text, "Connection", "last", NULL };
    struct arena a;
    for (unsigned i = 0; i < 4000; i++)
        snprintf(text + 5 * i, 6, "%04x,", i);
    arena_init(&a, 0);
    assert_true(names(&a, many, "0000"));
    assert_true(names(&a, many, "0F9F"));
    assert_true(names(&a, many, "LAST"));
    assert_false(names(&a, many, "0FA0"));
    arena_fini(&a);
}

static void
usual_words_nominate_nothing(void **state)
{
    const char *const plain[] = { "Connection", "Keep-Alive", "X", "close", NULL };
    const char *const none[] = { "X", "Y", NULL };
    struct arena a;
    arena_init(&a, 0);
    assert_false(names(&a, plain, "X"));
    assert_false(names(&a, none, "Y"));
    arena_fini(&a);
}

static void
framing_and_routing_are_no_trailers(void **state)
{
    static const char *const bad[] = { "Content-Length", "transfer-encoding", "Host",
                                       "Connection",     "Authorization",     "Set-Cookie" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(hop_is_bad_trailer(header_id(str_of(bad[i]))));
    assert_false(hop_is_bad_trailer(header_id(STR("X-Checksum"))));
    assert_false(hop_is_bad_trailer(header_id(STR("ETag"))));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_connection_field_may_nominate),
        cmocka_unit_test(a_field_may_nominate_very_many),
        cmocka_unit_test(usual_words_nominate_nothing),
        cmocka_unit_test(framing_and_routing_are_no_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
