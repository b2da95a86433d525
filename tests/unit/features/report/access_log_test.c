/* features/report/access_log.c: formats, escaping, and what is refused. */
#include "../../exchange/stage.h"

#include "../../test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

extern const struct feature access_log;

/* What the configuration logs for the stage's exchange, read from the one file it names, LOG. */
static const char *
logged(struct stage *s)
{
    static char text[8192];
    char path[] = "/tmp/usher-access-XXXXXX";
    int fd = mkstemp(path);
    assert_true(access_log.used(s->log_settings));
    log_files_adopt(STR("/tmp/LOG"), open(path, O_WRONLY | O_APPEND));
    access_log.on_log(&s->x, s->log_settings);
    log_flush_thread();
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n >= 0);
    text[n] = 0;
    close(fd);
    unlink(path);
    return text;
}

static void
refuse(const char *text, const char *problem)
{
    struct stage s;
    assert_false(stage_open(&s, text));
    assert_string_equal(stage_problem(&s), problem);
    stage_close(&s);
}

static void
combined_is_predefined(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "access_log LOG;"));
    s.x.response.status = 200;
    s.x.sent_body_bytes = 339;
    stage_request_field(&s, "Referer", "http://ref\"\x1b");
    const char *line = logged(&s);
    assert_memory_equal(line, "127.0.0.1 - - [", 15);
    const char *after = strchr(line, ']');
    assert_int_equal(after - line, 15 + 26);
    assert_string_equal(after,
                        "] \"GET /a?x=1 HTTP/1.1\" 200 339 \"http://ref\\x22\\x1B\" \"-\"\n");
    stage_close(&s);
}

static void
escape_as(const char *how, const char *expected)
{
    struct stage s;
    char text[256];
    snprintf(text, sizeof text, "log_format f %s '\"$http_x\"' ' $http_none'; access_log LOG f;",
             how);
    assert_true(stage_open(&s, text));
    stage_request_field(&s, "X", "a\"b\\c\x01\xc3\xa9\x7f\t\x1f");
    assert_string_equal(logged(&s), expected);
    stage_close(&s);
}

static void
values_are_escaped_as_the_format_says(void **state)
{
    escape_as("", "\"a\\x22b\\x5Cc\\x01\\xC3\\xA9\\x7F\\x09\\x1F\" -\n");
    escape_as("escape=default", "\"a\\x22b\\x5Cc\\x01\\xC3\\xA9\\x7F\\x09\\x1F\" -\n");
    escape_as("escape=json", "\"a\\\"b\\\\c\\u0001\xc3\xa9\x7f\\t\\u001F\" \n");
    escape_as("escape=none", "\"a\"b\\c\x01\xc3\xa9\x7f\t\x1f\" \n");
}

static void
conditions_choose_the_requests(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "log_format f $uri; access_log LOG f if=$arg_x;"));
    assert_string_equal(logged(&s), "/a\n");
    s.x.args = STR("x=0");
    assert_string_equal(logged(&s), "");
    stage_close(&s);
}

static void
a_level_may_log_twice_and_in_a_format_defined_later(void **state)
{
    struct stage s;
    assert_true(
        stage_open(&s, "access_log LOG f; access_log LOG g; log_format f 1; log_format g 2;"));
    assert_string_equal(logged(&s), "1\n2\n");
    stage_close(&s);
}

static void
off_cancels_all_of_its_level(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "access_log LOG combined; access_log off;"));
    assert_false(access_log.used(s.log_settings));
    stage_close(&s);
}

static void
faulty_logs_are_refused_in_nginxs_words(void **state)
{
    refuse("access_log l nofmt;", "unknown log format \"nofmt\"");
    refuse("access_log l combined flush=1s;", "no buffer is defined for access_log \"l\"");
    refuse("access_log l combined gzip=11;", "invalid compression level \"11\"");
    refuse("access_log l combined buffer=x;", "invalid buffer size \"x\"");
    refuse("access_log l combined foo;", "invalid parameter \"foo\"");
    refuse("access_log l combined buffer=4k flush=x;", "invalid flush time \"x\"");
    refuse("access_log l combined buffer=4k; access_log l combined buffer=8k;",
           "access_log \"l\" already defined with conflicting parameters");
    refuse("access_log /x/$host combined buffer=4k;",
           "buffered logs cannot have variables in name");
    refuse("access_log off combined;", "invalid parameter \"combined\"");
    refuse("log_format a escape=x b;", "unknown log format escaping \"x\"");
    refuse("log_format combined b;", "duplicate \"log_format\" name \"combined\"");
    refuse("log_format a $foo;", "unknown \"foo\" variable");
    refuse("open_log_file_cache foo;", "invalid \"open_log_file_cache\" parameter \"foo\"");
    refuse("open_log_file_cache inactive=1;",
           "\"open_log_file_cache\" must have \"max\" parameter");
    refuse("error_log l foo;", "invalid log level \"foo\"");
}

static void
faulty_syslog_is_refused_in_nginxs_words(void **state)
{
    refuse("access_log syslog:;", "unknown syslog parameter \"\"");
    refuse("access_log syslog:server=127.0.0.1,facility=x;", "unknown syslog facility \"x\"");
    refuse("access_log syslog:server=127.0.0.1,severity=x;", "unknown syslog severity \"x\"");
    refuse("access_log syslog:server=127.0.0.1,tag=a-b;",
           "syslog \"tag\" only allows alphanumeric characters and underscore");
    refuse("access_log syslog:server=127.0.0.1,tag=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;",
           "syslog tag length exceeds 32");
    refuse("access_log syslog:facility=local1;", "no syslog server specified");
    refuse("access_log syslog:server=1.1.1.1,server=1.1.1.1;", "duplicate syslog \"server\"");
    refuse("access_log syslog:server=127.0.0.1:0;",
           "invalid port in syslog server \"127.0.0.1:0\"");
    refuse("access_log syslog:server=127.0.0.1 combined buffer=4k;",
           "logs to syslog cannot be buffered");
}

static void
syslog_gets_one_datagram_a_line(void **state)
{
    struct stage s;
    char text[256] = "";
    struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/usher-syslog-test.sock" };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(a.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_true(stage_open(&s, "log_format f '$request'; access_log "
                               "syslog:server=unix:/tmp/usher-syslog-test.sock,nohostname,"
                               "tag=me,severity=notice,facility=local1 f;"));
    log_files_open(&s.snapshot->compile); /* there may be no /tmp/logs/error.log */
    access_log.on_log(&s.x, s.log_settings);
    assert_true(recv(fd, text, sizeof text - 1, MSG_DONTWAIT) > 0);
    assert_memory_equal(text, "<141>", 5); /* 17 * 8 + 5 */
    assert_string_equal(text + 20, " me: GET /a?x=1 HTTP/1.1");
    stage_close(&s);
    close(fd);
    unlink(a.sun_path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combined_is_predefined),
        cmocka_unit_test(values_are_escaped_as_the_format_says),
        cmocka_unit_test(conditions_choose_the_requests),
        cmocka_unit_test(a_level_may_log_twice_and_in_a_format_defined_later),
        cmocka_unit_test(off_cancels_all_of_its_level),
        cmocka_unit_test(faulty_logs_are_refused_in_nginxs_words),
        cmocka_unit_test(faulty_syslog_is_refused_in_nginxs_words),
        cmocka_unit_test(syslog_gets_one_datagram_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
