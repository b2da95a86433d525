/* exchange/hosts/host_table.c: nginx's order of server names: exact, leading wildcard, trailing,
 * regex.
 */
#include "../stage.h"
#include "exchange/hosts/host_table.h"

#include "../../test.h"

static struct virtual_server one, two, three, four;

/* Adds names to a table of its own and says who answers for a host. */
static struct virtual_server *
find(const char *const names[4], const char *host)
{
    static struct virtual_server *const servers[4] = { &one, &two, &three, &four };
    struct arena a;
    arena_init(&a, 0);
    struct host_table *t = host_table_open(&a);
    for (int i = 0; i < 4; i++)
        if (names[i])
            assert_true(host_table_add(t, str_of(names[i]), NULL, servers[i]));
    struct virtual_server *found = host_table_find(t, str_of(host), NULL);
    arena_fini(&a);
    return found;
}

static void
an_exact_name_goes_before_wildcards(void **state)
{
    const char *const names[4] = { "*.example.com", "www.example.*", "www.example.com", NULL };
    assert_ptr_equal(find(names, "www.example.com"), &three);
}

static void
a_leading_wildcard_goes_before_a_trailing_one(void **state)
{
    const char *const names[4] = { "www.example.*", "*.example.com", NULL, NULL };
    assert_ptr_equal(find(names, "www.example.com"), &two);
    assert_ptr_equal(find(names, "www.example.org"), &one);
}

static void
the_longest_wildcard_answers(void **state)
{
    const char *const names[4] = { "*.com", "*.a.example.com", "*.example.com", NULL };
    assert_ptr_equal(find(names, "x.a.example.com"), &two);
    assert_ptr_equal(find(names, "a.example.com"), &three);
    assert_ptr_equal(find(names, "example.com"), &one);
    const char *const trailing[4] = { "www.*", "www.example.*", NULL, NULL };
    assert_ptr_equal(find(trailing, "www.example.co.uk"), &two);
    assert_ptr_equal(find(trailing, "www.example"), &one);
}

static void
a_wildcard_stands_for_one_label_at_least(void **state)
{
    const char *const names[4] = { "*.example.com", "www.*", NULL, NULL };
    assert_null(find(names, "example.com"));
    assert_null(find(names, "xexample.com"));
    assert_null(find(names, "www"));
    assert_ptr_equal(find(names, "a.b.example.com"), &one);
}

static void
a_leading_dot_is_the_name_and_all_below_it(void **state)
{
    const char *const names[4] = { ".example.com", NULL, NULL, NULL };
    assert_ptr_equal(find(names, "example.com"), &one);
    assert_ptr_equal(find(names, "www.example.com"), &one);
    assert_null(find(names, "wwwexample.com"));
}

static void
the_empty_name_is_a_request_without_host(void **state)
{
    const char *const names[4] = { "", "a", NULL, NULL };
    assert_ptr_equal(find(names, ""), &one);
    assert_null(find(names, "b"));
}

static void
a_name_stays_with_the_first_that_has_it(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct host_table *t = host_table_open(&a);
    assert_true(host_table_add(t, STR("a"), NULL, &one));
    assert_false(host_table_add(t, STR("a"), NULL, &two));
    assert_true(host_table_add(t, STR("*.b"), NULL, &one));
    assert_false(host_table_add(t, STR(".b"), NULL, &two));
    assert_ptr_equal(host_table_find(t, STR("a"), NULL), &one);
    assert_ptr_equal(host_table_find(t, STR("x.b"), NULL), &one);
    assert_ptr_equal(host_table_find(t, STR("b"), NULL), &two);
    arena_fini(&a);
}

static void
regexes_come_last_in_the_order_of_the_text(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "pattern ^w; pattern .;"));
    struct host_table *t = host_table_open(&s.x.arena);
    host_table_add(t, STR("~^w"), s.patterns[0], &one);
    host_table_add(t, STR("~."), s.patterns[1], &two);
    host_table_add(t, STR("www.*"), NULL, &three);
    assert_ptr_equal(host_table_find(t, STR("www.a"), NULL), &three);
    assert_ptr_equal(host_table_find(t, STR("w.a"), NULL), &one);
    assert_ptr_equal(host_table_find(t, STR("a"), NULL), &two);
    assert_null(host_table_find(t, STR(""), NULL));
    stage_close(&s);
}

static void
who_has_no_name_is_answered_by_the_default_server(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct listen_address l = { .fallback = &four, .hosts = host_table_open(&a) };
    host_table_add(l.hosts, STR("a"), NULL, &one);
    assert_ptr_equal(listen_address_server(&l, STR("a"), NULL), &one);
    assert_ptr_equal(listen_address_server(&l, STR("b"), NULL), &four);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_name_goes_before_wildcards),
        cmocka_unit_test(a_leading_wildcard_goes_before_a_trailing_one),
        cmocka_unit_test(the_longest_wildcard_answers),
        cmocka_unit_test(a_wildcard_stands_for_one_label_at_least),
        cmocka_unit_test(a_leading_dot_is_the_name_and_all_below_it),
        cmocka_unit_test(the_empty_name_is_a_request_without_host),
        cmocka_unit_test(a_name_stays_with_the_first_that_has_it),
        cmocka_unit_test(regexes_come_last_in_the_order_of_the_text),
        cmocka_unit_test(who_has_no_name_is_answered_by_the_default_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
