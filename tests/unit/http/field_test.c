/* http/field.c, header_name.c, list.c, message.c: lists of fields and the names in them. */
#include "http/message.h"

#include "../test.h"

static void
every_known_name_is_found_in_any_case(void **state)
{
    for (enum header id = HEADER_OTHER + 1; id < HEADER_COUNT; id++) {
        struct str name = header_name(id);
        char upper[32], lower[32], wrong[32];
        for (size_t i = 0; i < name.n; i++) {
            lower[i] = wrong[i] = byte_lower(name.p[i]);
            upper[i] = lower[i] >= 'a' && lower[i] <= 'z' ? (char)(lower[i] - 32) : lower[i];
        }
        assert_int_equal(header_id(name), id);
        assert_int_equal(header_id((struct str){ upper, name.n }), id);
        assert_int_equal(header_id((struct str){ lower, name.n }), id);
        for (size_t i = 0; i < name.n; i++) { /* each byte counts, with each bit of it but case */
            for (int bit = 1; bit < 256; bit <<= 1) {
                bool letter = lower[i] >= 'a' && lower[i] <= 'z';
                wrong[i] = (char)(lower[i] ^ bit);
                if (!(bit == 0x20 && letter))
                    assert_int_not_equal(header_id((struct str){ wrong, name.n }), id);
                wrong[i] = lower[i];
            }
        }
        assert_int_not_equal(header_id(str_head(name, name.n - 1)), id);
    }
    assert_int_equal(header_id(STR("")), HEADER_OTHER);
    assert_int_equal(header_id(STR("X-Custom")), HEADER_OTHER);
    assert_int_equal(header_id(STR("A-Name-Longer-Than-Any-That-Is-Known")), HEADER_OTHER);
}

static void
fields_keep_their_order_and_are_set_and_removed_by_name(void **state)
{
    struct arena a;
    struct fields f;
    arena_init(&a, 0);
    fields_init(&f, &a);
    for (int i = 0; i < 40; i++)
        fields_add(&f, STR("X-Many"), STR("v"));
    fields_add(&f, STR("host"), STR("a"));
    fields_add_known(&f, HEADER_VIA, STR("1"));
    fields_add(&f, STR("HOST"), STR("b"));
    assert_int_equal(f.n, 43);
    fields_remove_named(&f, STR("x-many"));
    assert_int_equal(f.n, 3);
    fields_set(&f, HEADER_HOST, STR("c"));
    assert_int_equal(f.n, 2);
    assert_true(str_eq(fields_value(&f, HEADER_HOST), STR("c")));
    assert_true(str_eq(f.v[0].name, STR("host")));
    fields_set(&f, HEADER_AGE, STR("1"));
    fields_remove(&f, HEADER_VIA);
    assert_int_equal(f.n, 2);
    assert_null(fields_value(&f, HEADER_VIA).p);
    assert_null(fields_find_named(&f, STR("x-many")));
    arena_fini(&a);
}

static void
fields_are_found_as_variables_and_joined(void **state)
{
    struct arena a;
    struct fields f;
    arena_init(&a, 0);
    fields_init(&f, &a);
    fields_add(&f, STR("X-Forwarded-For"), STR("1"));
    fields_add(&f, STR("X_Under"), STR("2"));
    fields_add(&f, STR("x-forwarded-for"), STR("3"));
    assert_ptr_equal(fields_find_variable(&f, STR("x_forwarded_for")), &f.v[0]);
    assert_ptr_equal(fields_find_variable(&f, STR("x_under")), &f.v[1]);
    assert_null(fields_find_variable(&f, STR("x-under")));
    assert_true(str_eq(fields_joined(&f, STR("X-Forwarded-For"), STR(", "), &a), STR("1, 3")));
    assert_null(fields_joined(&f, STR("Y"), STR(", "), &a).p);
    arena_fini(&a);
}

static void
lists_are_cut_at_commas_outside_quotes(void **state)
{
    static const char *const want[] = { "a", "b=\"c,\\\"d\"", "e f", "g\"unclosed,h" };
    struct str rest = STR(", a,\tb=\"c,\\\"d\" ,,e f , g\"unclosed,h"), element;
    for (size_t i = 0; i < 4; i++) {
        assert_true(list_next(&rest, &element));
        assert_true(str_eq(element, str_of(want[i])));
    }
    assert_false(list_next(&rest, &element));
    rest = STR("\"\\");
    assert_true(list_next(&rest, &element));
    assert_false(list_next(&rest, &element));
    assert_true(list_has_token(STR("keep-alive, Upgrade"), STR("upgrade")));
    assert_false(list_has_token(STR("keep-alive, xUpgrade"), STR("upgrade")));
    assert_false(list_has_token(STR_NONE, STR("upgrade")));
}

static void
methods_are_known_by_their_exact_names(void **state)
{
    for (enum method m = METHOD_GET; m <= METHOD_UNLOCK; m++)
        assert_int_equal(method_id(method_name(m)), m);
    assert_int_equal(method_id(STR("get")), METHOD_OTHER);
    assert_int_equal(method_id(STR("PROPPATCX")), METHOD_OTHER);
    assert_int_equal(method_id(STR("")), METHOD_OTHER);
    assert_true(method_is_idempotent(METHOD_PUT));
    assert_false(method_is_idempotent(METHOD_POST));
}

static void
reasons_are_nginx_s(void **state)
{
    assert_true(str_eq(status_reason(302), STR("Moved Temporarily")));
    assert_true(str_eq(status_reason(504), STR("Gateway Time-out")));
    assert_null(status_reason(418).p);
    assert_null(status_reason(0).p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_name_is_found_in_any_case),
        cmocka_unit_test(fields_keep_their_order_and_are_set_and_removed_by_name),
        cmocka_unit_test(fields_are_found_as_variables_and_joined),
        cmocka_unit_test(lists_are_cut_at_commas_outside_quotes),
        cmocka_unit_test(methods_are_known_by_their_exact_names),
        cmocka_unit_test(reasons_are_nginx_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
