/* exchange/log.c: what the error log says about an exchange. */
#include "exchange/log.h"
#include "observe/log_file.h"
#include "stage.h"

#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
        .first = &step, .last = &step, .scheme = STR("http"), .uri = STR("/px")
    };
    struct virtual_server server = { .name = STR("example.com") };
    assert_true(stage_open(&s, ""));
    assert_string_equal(described(&s), ", client: 127.0.0.1, request: \"GET /a?x=1 HTTP/1.1\"");
    s.x.server = &server;
    s.x.trail = &trail;
    stage_request_field(&s, "Host", "x");
    stage_request_field(&s, "Referer", "r");
    assert_string_equal(described(&s),
                        ", client: 127.0.0.1, server: example.com, "
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
        .first = &step, .last = &step, .scheme = STR("http"), .uri = STR("/px")
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

/* What fn logs, without time and level, up to ", client". */
static const char *
words(struct stage *s, void (*fn)(struct exchange *x))
{
    static char text[4096];
    char path[] = "/tmp/usher-words-XXXXXX";
    int fd = mkstemp(path);
    static struct log_file *f;
    log_files_adopt(STR("/usher-words"), dup(fd));
    f = log_file_named(STR("/usher-words"), LOG_TO_FILE, 0);
    struct error_target target = { f, LEVEL_DEBUG };
    struct error_log log = { &target, 1, LEVEL_DEBUG };
    error_log_set_global(&log);
    fn(&s->x);
    error_log_set_global(NULL);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = 0;
    close(fd);
    unlink(path);
    *strstr(text, ", client") = 0;
    return strstr(text, "*7 ") + 3;
}

static void
refused(struct exchange *x)
{
    fail_errno(x, FAULT_UPSTREAM_REFUSED, ECONNREFUSED, "while connecting to upstream");
}

static void
timed_out(struct exchange *x)
{
    fail_errno(x, FAULT_UPSTREAM_CONNECT_TIMEOUT, ETIMEDOUT, "%s", "");
}

static void
too_large(struct exchange *x)
{
    (fail)(x, FAULT_BODY_TOO_LARGE, "%d bytes", 12);
}

static void
not_found(struct exchange *x)
{
    fail_errno(x, FAULT_NOT_FOUND, ENOENT, "open() \"/x\" failed");
}

static void
unresolved(struct exchange *x)
{
    (fail)(x, FAULT_UPSTREAM_UNRESOLVED, "\"app\"");
}

static void
write_failed(struct exchange *x)
{
    note_fault(x, FAULT_UPSTREAM_RESET, EPIPE, "writev() failed while sending request to upstream");
}

static void
busy(struct exchange *x)
{
    x->doing = "reading client request headers";
    exchange_log(x, LEVEL_INFO, 0, "client sent something");
}

static void
lines_of_faults_are_nginxs(void **state)
{
    static const struct {
        void (*fn)(struct exchange *x);
        const char *words;
    } cases[] = {
        { refused, "connect() failed (111: Connection refused) while connecting to upstream" },
        { timed_out,
          "upstream timed out (110: Connection timed out) while connecting to upstream" },
        { too_large, "client intended to send too large body: 12 bytes" },
        { not_found, "open() \"/x\" failed (2: No such file or directory)" },
        { unresolved, "host not found in upstream \"app\"" },
        { write_failed, "writev() failed (32: Broken pipe) while sending request to upstream" },
        { busy, "client sent something while reading client request headers" },
    };
    struct stage s;
    assert_true(stage_open(&s, ""));
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(words(&s, cases[i].fn), cases[i].words);
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
        cmocka_unit_test(lines_of_faults_are_nginxs),
        cmocka_unit_test(a_failure_sets_fault_and_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
