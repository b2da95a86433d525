/* exchange/variables_*.c: values as nginx prints them. */
#include "stage.h"

#include "../test.h"

/* Value of name in s's exchange; NULL when it has none. */
static const char *
value(struct stage *s, const char *name)
{
    struct str out;
    const struct variable_ref *ref = variable_use(&s->snapshot->variables, str_of(name));
    assert_non_null(ref);
    s->x.values = NULL; /* refs made after the compile have indexes beyond the old array */
    return variable_get(&s->x, ref, &out) ? arena_dup(&s->x.arena, out).p : NULL;
}

#define IS(name, expected) assert_string_equal(value(&s, name), expected)
#define NONE(name)         assert_null(value(&s, name))

static void
fields_are_joined_and_cookies_found_in_any_case(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    NONE("http_x_multi");
    stage_request_field(&s, "X-Multi", "1");
    stage_request_field(&s, "Cookie", "foo=1; Bar=2");
    stage_request_field(&s, "x-multi", "2");
    stage_request_field(&s, "Cookie", "Foo=3; last=\"q\"");
    IS("http_x_multi", "1, 2");
    IS("http_cookie", "foo=1; Bar=2; Foo=3; last=\"q\"");
    IS("cookie_foo", "1");
    IS("cookie_bar", "2");
    IS("cookie_last", "\"q\"");
    NONE("cookie_none");
    stage_close(&s);
}

static void
the_request_uri_is_what_came_without_scheme_and_host(void **state)
{
    struct stage s;
    static const char target[] = "http://h:90/zz?q#f";
    assert_true(stage_open(&s, ""));
    IS("request_uri", "/a?x=1");
    s.x.request.target = str_of(target);
    s.x.request.path = str_head(str_of(target + 11), 3);
    s.x.request.args = str_of(target + 15);
    s.x.request.authority = str_head(str_of(target + 7), 4);
    IS("request_uri", "/zz?q#f");
    IS("request_port", "90");
    IS("is_request_port", ":");
    stage_close(&s);
}

static void
absent_values_are_told_from_empty_ones(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    s.x.args = STR_NONE;
    NONE("args");
    s.x.args = STR(""); /* taken away */
    IS("args", "");
    IS("is_args", "");
    IS("https", "");
    NONE("content_length");
    NONE("remote_user");
    NONE("upstream_addr");
    NONE("request_body");
    IS("server_name", "");
    IS("status", "000");
    IS("limit_rate", "0");
    stage_close(&s);
}

static void
the_remote_user_comes_from_basic_authentication(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    stage_request_field(&s, "Authorization", "Basic dXNlcjpwYXNz");
    IS("remote_user", "user");
    stage_close(&s);
    assert_true(stage_open(&s, ""));
    stage_request_field(&s, "Authorization", "Basic ****");
    NONE("remote_user");
    stage_close(&s);
}

static void
tries_are_separated_as_nginx_does(void **state)
{
    struct stage s;
    struct upstream_step third = {
        NULL, STR("unix:/s"), 200, 0, 0, 12000, 1234567, 10, 20, 5, false
    };
    struct upstream_step second = { &third, STR("10.0.0.2:80"), 502, 0, 1999, -1, 3000, 1, 2, 0,
                                    true };
    struct upstream_step first = { &second, STR("10.0.0.1:80"), 0, 0, -1, -1, -1, 0, 0, 0, false };
    struct upstream_trail trail = {
        .first = &first, .last = &third, .host = STR("app"), .port = STR("80")
    };
    assert_true(stage_open(&s, ""));
    s.x.trail = &trail;
    IS("upstream_addr", "10.0.0.1:80, 10.0.0.2:80 : unix:/s");
    IS("upstream_status", "-, 502 : 200");
    IS("upstream_connect_time", "-, 0.001 : 0.000");
    IS("upstream_header_time", "-, - : 0.012");
    IS("upstream_response_time", "-, 0.003 : 1.234");
    IS("upstream_response_length", "0, 0 : 5");
    IS("upstream_bytes_received", "0, 2 : 20");
    IS("upstream_bytes_sent", "0, 1 : 10");
    IS("upstream_last_addr", "unix:/s");
    IS("proxy_host", "app");
    IS("proxy_port", "80");
    NONE("upstream_http_x");
    stage_close(&s);
}

static void
a_backends_cookies_are_found_by_name(void **state)
{
    struct stage s;
    struct fields f;
    struct upstream_trail trail = { .fields = &f };
    assert_true(stage_open(&s, ""));
    fields_init(&f, &s.x.arena);
    fields_add(&f, STR("Set-Cookie"), STR("a=1; Path=/"));
    fields_add(&f, STR("Set-Cookie"), STR("sid=xyz"));
    s.x.trail = &trail;
    IS("upstream_cookie_a", "1");
    IS("upstream_cookie_sid", "xyz");
    NONE("upstream_cookie_path");
    IS("upstream_http_set_cookie", "a=1; Path=/, sid=xyz");
    stage_close(&s);
}

static void
the_forwarded_chain_grows_by_the_client(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    IS("proxy_add_x_forwarded_for", "127.0.0.1");
    stage_request_field(&s, "X-Forwarded-For", "1.1.1.1");
    IS("proxy_add_x_forwarded_for", "1.1.1.1, 127.0.0.1");
    stage_close(&s);
}

static void
sent_fields_include_those_kept_apart(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    s.x.response.status = 200;
    s.x.response.content_type = STR("text/plain");
    s.x.keep_alive = true;
    fields_add(&s.x.response.fields, STR("X-A"), STR("1"));
    IS("sent_http_x_a", "1");
    IS("sent_http_content_type", "text/plain");
    IS("sent_http_connection", "keep-alive");
    NONE("sent_http_transfer_encoding");
    s.x.head_sent = true;
    IS("sent_http_transfer_encoding", "chunked");
    s.x.response.content_length = 12;
    IS("sent_http_content_length", "12");
    NONE("sent_http_transfer_encoding");
    NONE("sent_http_server");
    IS("status", "200");
    stage_close(&s);
}

static void
settable_variables_change_the_exchange(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    struct variable_table *t = &s.snapshot->variables;
    variable_store(&s.x, variable_define(t, STR("args")), STR("z=1"));
    variable_store(&s.x, variable_define(t, STR("limit_rate")), STR("4k"));
    IS("args", "z=1");
    IS("arg_z", "1");
    assert_int_equal(s.x.limit_rate, 4096);
    assert_null(variable_define(t, STR("uri")));
    stage_close(&s);
}

static void
every_variable_of_the_core_has_help(void **state)
{
    const struct variable *tables[] = {
        request_variables,  connection_variables, time_variables,
        response_variables, file_variables,       upstream_variables
    };
    for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct variable *v = tables[i]; v->name; v++) {
            assert_non_null(v->help);
            assert_non_null(v->get);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_joined_and_cookies_found_in_any_case),
        cmocka_unit_test(the_request_uri_is_what_came_without_scheme_and_host),
        cmocka_unit_test(absent_values_are_told_from_empty_ones),
        cmocka_unit_test(the_remote_user_comes_from_basic_authentication),
        cmocka_unit_test(tries_are_separated_as_nginx_does),
        cmocka_unit_test(a_backends_cookies_are_found_by_name),
        cmocka_unit_test(the_forwarded_chain_grows_by_the_client),
        cmocka_unit_test(sent_fields_include_those_kept_apart),
        cmocka_unit_test(settable_variables_change_the_exchange),
        cmocka_unit_test(every_variable_of_the_core_has_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
