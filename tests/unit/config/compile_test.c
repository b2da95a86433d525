/* config/: what a configuration that is right compiles to. */
#include "house.h"

#include "../test.h"

static const struct house_settings *
compile_to(struct house *h, const char *text, unsigned scope)
{
    house_compile(h, text);
    assert_string_equal(h->output.p, "");
    assert_non_null(house_scope(scope));
    return house_scope(scope);
}

static void
a_field_that_nobody_set_has_its_rows_default(void **state)
{
    struct house h;
    const struct house_settings *my = compile_to(&h, "events {} http { }", 1);
    assert_int_equal(my->body.n, 1 << 20);
    assert_int_equal(my->timeout.ms, 60000);
    assert_true(my->tokens);
    assert_int_equal(my->requests, 1000);
    assert_int_equal(my->satisfy, 1);
    assert_int_equal(my->next, 3);
    assert_true(str_eq(my->name, STR("text/plain")));
    assert_true(my->completed);
    house_close(&h);
}

static void
an_inner_scope_inherits_what_its_parent_sets_even_later_in_the_text(void **state)
{
    struct house h;
    const struct house_settings *my =
        compile_to(&h, "http { server { location / { keepalive_requests 5; } } satisfy any; }", 0);
    assert_int_equal(my->requests, 5);
    assert_int_equal(my->satisfy, 2);
    assert_int_equal(house_scope(1)->requests, 1000);
    assert_ptr_equal(house_scope(1), house_scope(2)); /* server set nothing: it shares */
    house_close(&h);
}

static void
a_list_is_inherited_only_where_none_of_it_is_given(void **state)
{
    struct house h;
    const struct house_settings *my = compile_to(
        &h, "http { allow a; deny b; deny c; server { } server { deny d; allow e; } }", 0);
    assert_int_equal(my->rules, 3);
    assert_int_equal(house_scope(1)->rules, 2);
    house_close(&h);
}

static void
choices_that_add_replace_the_inherited_ones(void **state)
{
    struct house h;
    const struct house_settings *my =
        compile_to(&h, "http { server { proxy_next_upstream off timeout; } }", 0);
    assert_int_equal(my->next, 6);
    assert_int_equal(house_scope(1)->next, 3);
    house_close(&h);
}

static void
a_raw_block_is_data_and_is_inherited_like_a_field(void **state)
{
    struct house h;
    const struct house_settings *my =
        compile_to(&h, "http { server { } types { a b; nonsense; c d e; } }", 0);
    assert_int_equal(my->types, 3);
    house_close(&h);
}

static void
one_name_may_mean_two_rows_in_two_contexts(void **state)
{
    struct house h;
    const struct house_settings *my =
        compile_to(&h, "http { upstream u { server a; server b; } server { listen 80; } }", 0);
    assert_int_equal(my->listens, 2);
    assert_int_equal(house_scope(1)->listens, 1);
    assert_int_equal(h.servers, 1);
    house_close(&h);
}

static void
a_fragment_is_read_as_if_inside_http(void **state)
{
    struct house h;
    compile_to(&h,
               "error_log x;\ndaemon off;\nserver { listen 80; }\n"
               "upstream u { server a; }\nsatisfy any;",
               1);
    assert_int_equal(h.servers, 1);
    assert_int_equal(house_scope(0)->satisfy, 2);
    house_close(&h);
}

static void
a_server_beside_events_is_not_a_fragment(void **state)
{
    struct house h;
    assert_false(house_compile(&h, "events {} server { listen 80; }"));
    house_close(&h);
}

static void
note(struct compile *c, void *arg)
{
    unsigned *times = arg;
    if (++*times < 3)
        compile_defer(c, note, arg);
}

static void
what_is_deferred_runs_after_the_tree_and_may_defer_more(void **state)
{
    struct house h;
    unsigned times = 0;
    house_compile(&h, "");
    compile_defer(&h.compile, note, &times);
    struct node *root = config_parse_text(&h.sources, h.sources.first, &h.diags, &h.arena);
    assert_true(compile_run(&h.compile, root));
    assert_int_equal(times, 3);
    house_close(&h);
}

static void
ten_thousand_servers_compile_quickly(void **state)
{
    struct house h;
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 1 << 20, 0);
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&b,
                   "server {\n    listen %u;\n    client_max_body_size 8k;\n    allow a;\n"
                   "    location / {\n        satisfy any;\n    }\n"
                   "    location /b {\n        client_body_timeout 1h;\n    }\n}\n",
                   i);
    buf_byte(&b, 0);
    clock_refresh();
    uint64_t start = clock_ms();
    assert_true(house_compile(&h, b.p));
    clock_refresh();
    assert_int_equal(h.servers, 10000);
    assert_true(clock_ms() - start < 5000); /* in truth well under 1 s; CI machines differ */
    house_close(&h);
    arena_fini(&a);
}

static void
sizes_read_as_nginx_reads_them(void **state)
{
    uint64_t n;
    static const struct {
        const char *text;
        uint64_t n;
    } good[] = { { "0", 0 },        { "1", 1 },        { "1k", 1024 },   { "2K", 2048 },
                 { "1m", 1 << 20 }, { "3M", 3 << 20 }, { "1g", 1 << 30 } };
    static const char *const bad[] = {
        "", "k", "-1", "1x", "1 k", "1kk", "99999999999999999999", "9999999999999999g"
    };
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_bytes(str_of(good[i].text), &n));
        assert_int_equal(n, good[i].n);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_bytes(str_of(bad[i]), &n));
}

static void
times_read_as_nginx_reads_them(void **state)
{
    uint64_t ms;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        { "0", 0 },           { "1", 1000 },         { "1s", 1000 },         { "500ms", 500 },
        { "1h30m", 5400000 }, { "1h 30m", 5400000 }, { "1h  30m", 5400000 }, { "1h 30", 3630000 },
        { "1h30", 3630000 },  { "1d", 86400000 },    { "1w", 604800000 },    { "1y", 31536000000 },
        { "1h ", 3600000 },   { "1s500ms", 1500 },   { "1M", 2592000000 }
    };
    static const char *const bad[] = { "",
                                       "s",
                                       "-1",
                                       "1x",
                                       "30m 1h",
                                       "1s1s",
                                       " 1h",
                                       "1.5s",
                                       "1m1M",
                                       "9999999999999999999",
                                       "999999999999y" };
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_msec(str_of(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_msec(str_of(bad[i]), &ms));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_that_nobody_set_has_its_rows_default),
        cmocka_unit_test(an_inner_scope_inherits_what_its_parent_sets_even_later_in_the_text),
        cmocka_unit_test(a_list_is_inherited_only_where_none_of_it_is_given),
        cmocka_unit_test(choices_that_add_replace_the_inherited_ones),
        cmocka_unit_test(a_raw_block_is_data_and_is_inherited_like_a_field),
        cmocka_unit_test(one_name_may_mean_two_rows_in_two_contexts),
        cmocka_unit_test(a_fragment_is_read_as_if_inside_http),
        cmocka_unit_test(a_server_beside_events_is_not_a_fragment),
        cmocka_unit_test(what_is_deferred_runs_after_the_tree_and_may_defer_more),
        cmocka_unit_test(ten_thousand_servers_compile_quickly),
        cmocka_unit_test(sizes_read_as_nginx_reads_them),
        cmocka_unit_test(times_read_as_nginx_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
