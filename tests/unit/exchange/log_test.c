/* exchange/log.c: what the error log says about an exchange. */
#include "exchange/log.h"
#include "stage.h"

#include "../test.h"

static const char *
described(struct stage *s)
{
    struct buf b;
    buf_init(&b, &s->x.arena, 16, 0);
    exchange_describe(&s->x, &b);
    return arena_dup(&s->x.arena, buf_str(&b)).p;
}

static void
the_suffix_is_nginxs(void **state)
{
    struct stage s;
    struct upstream_step step = { .peer = STR("127.0.0.1:9") };
    struct upstream_trail trail = {
        .first = &step, .last = &step, .scheme = STR("http://"), .uri = STR("/px")
    };
    struct virtual_server server = { .name = STR("example.com") };
    assert_true(stage_open(&s, ""));
    assert_string_equal(described(&s), ", client: 127.0.0.1, request: \"GET /a?x=1 HTTP/1.1\"");
    s.x.server = &server;
    s.x.trail = &trail;
    s.x.doing = "connecting to upstream";
    stage_request_field(&s, "Host", "x");
    stage_request_field(&s, "Referer", "r");
    assert_string_equal(described(&s),
                        " while connecting to upstream, client: 127.0.0.1, server: example.com, "
                        "request: \"GET /a?x=1 HTTP/1.1\", upstream: \"http://127.0.0.1:9/px\", "
                        "host: \"x\", referrer: \"r\"");
    stage_close(&s);
}

static void
a_unix_peer_is_followed_by_a_colon(void **state)
{
    struct stage s;
    struct upstream_step step = { .peer = STR("unix:/s") };
    struct upstream_trail trail = {
        .first = &step, .last = &step, .scheme = STR("http://"), .uri = STR("/px")
    };
    assert_true(stage_open(&s, ""));
    s.x.trail = &trail;
    s.x.request.line = STR_NONE;
    assert_string_equal(described(&s), ", client: 127.0.0.1, upstream: \"http://unix:/s:/px\"");
    stage_close(&s);
}

static void
a_log_line_cannot_be_forged(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, ""));
    s.x.request.line = STR("GET /\n2026 [alert]\x1b HTTP/1.1");
    assert_string_equal(described(&s),
                        ", client: 127.0.0.1, request: \"GET /?2026 [alert]? HTTP/1.1\"");
    stage_close(&s);
}

static void
a_failure_sets_fault_and_status(void **state)
{
    struct stage s;
    static const struct error_log silent = { 0 };
    error_log_set_global(&silent);
    assert_true(stage_open(&s, ""));
    assert_int_equal((fail)(&s.x, FAULT_BODY_TOO_LARGE, "%s", ""), FAILED);
    assert_int_equal(s.x.response.status, 413);
    assert_int_equal(status_only(&s.x, 404), FAILED);
    assert_int_equal(s.x.fault, FAULT_NONE);
    assert_int_equal(s.x.response.status, 404);
    error_log_set_global(NULL);
    stage_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suffix_is_nginxs),
        cmocka_unit_test(a_unix_peer_is_followed_by_a_colon),
        cmocka_unit_test(a_log_line_cannot_be_forged),
        cmocka_unit_test(a_failure_sets_fault_and_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
