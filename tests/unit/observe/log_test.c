/* observe/: lines of the error log, destinations, buffers. */
#include "base/clock.h"
#include "fiber/loop.h"
#include "observe/log.h"
#include "observe/log_cache.h"
#include "observe/log_file.h"

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

static char directory[] = "/tmp/usher-log-XXXXXX";

static struct str
path_of(const char *name)
{
    static char path[8][128];
    static unsigned turn;
    char *p = path[turn++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", directory, name);
    return str_of(p);
}

static const char *
content(struct str path)
{
    static char text[8192];
    FILE *f = fopen(path.p, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

static struct log_file *
file_at(const char *name)
{
    struct str path = path_of(name);
    log_files_adopt(path, open(path.p, O_WRONLY | O_APPEND | O_CREAT, 0644));
    return log_file_named(path, LOG_TO_FILE, 0);
}

static void
assert_matches(const char *text, const char *pattern)
{
    regex_t r;
    assert_int_equal(regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&r, text, 0, NULL, 0) != 0)
        fail_msg("%s does not match %s", text, pattern);
    regfree(&r);
}

static void
a_line_is_nginxs(void **state)
{
    struct error_target t = { file_at("lines"), LEVEL_WARN };
    struct error_log l = { &t, 1, LEVEL_WARN };
    log_write(&l, LEVEL_WARN, 17, "message %d", 1);
    assert_matches(content(path_of("lines")), "^[0-9]{4}/[01][0-9]/[0-3][0-9] "
                                              "[0-2][0-9]:[0-5][0-9]:[0-5][0-9] \\[warn\\] "
                                              "[0-9]+#[0-9]+: \\*17 message 1\n$");
}

static void
an_errno_is_told_as_nginx_does(void **state)
{
    struct error_target t = { file_at("errno"), LEVEL_ERROR };
    struct error_log l = { &t, 1, LEVEL_ERROR };
    log_write_errno(&l, LEVEL_ERROR, 0, 111, "connect() failed");
    assert_matches(
        content(path_of("errno")),
        "\\[error\\] [0-9]+#[0-9]+: connect\\(\\) failed \\(111: Connection refused\\)\n$");
}

static void
each_target_has_its_own_level(void **state)
{
    struct error_target t[] = { { file_at("info"), LEVEL_INFO }, { file_at("crit"), LEVEL_CRIT } };
    struct error_log l = { t, 2, LEVEL_INFO };
    log_write(&l, LEVEL_DEBUG, 0, "nowhere");
    log_write(&l, LEVEL_INFO, 0, "one");
    log_write(&l, LEVEL_ALERT, 0, "both");
    assert_matches(content(path_of("info")), "^[^\n]*: one\n[^\n]*: both\n$");
    assert_matches(content(path_of("crit")), "^[^\n]*: both\n$");
}

static void
a_long_line_is_cut_and_still_ends(void **state)
{
    static char big[10000];
    struct error_target t = { file_at("long"), LEVEL_INFO };
    struct error_log l = { &t, 1, LEVEL_INFO };
    memset(big, 'x', sizeof big - 1);
    log_write(&l, LEVEL_INFO, 0, "%s", big);
    log_write_errno(&l, LEVEL_INFO, 0, 2, "%s", big);
    const char *text = content(path_of("long"));
    assert_int_equal(strlen(text), 4096);
    assert_int_equal(text[2047], '\n');
    assert_int_equal(text[4095], '\n');
}

static void
a_reopened_file_is_the_one_of_that_name(void **state)
{
    struct log_file *f = file_at("rotated");
    log_file_write(f, NULL, STR("before\n"));
    assert_int_equal(rename(path_of("rotated").p, path_of("rotated.1").p), 0);
    int fd = f->fd;
    log_files_reopen();
    assert_int_equal(f->fd, fd);
    log_file_write(f, NULL, STR("after\n"));
    assert_string_equal(content(path_of("rotated.1")), "before\n");
    assert_string_equal(content(path_of("rotated")), "after\n");
}

static void
a_buffer_is_written_when_full_and_at_the_threads_end(void **state)
{
    struct log_buffering b = { .size = 16 };
    struct log_file *f = file_at("buffered");
    log_file_write(f, &b, STR("0123456\n"));
    log_file_write(f, &b, STR("89abcde\n"));
    assert_string_equal(content(path_of("buffered")), "");
    log_file_write(f, &b, STR("x\n"));
    assert_string_equal(content(path_of("buffered")), "0123456\n89abcde\n");
    log_file_write(f, &b, STR("a line longer than the whole buffer\n"));
    log_flush_thread();
    assert_string_equal(content(path_of("buffered")),
                        "0123456\n89abcde\nx\na line longer than the whole buffer\n");
}

static void
wait_for_flush(void *arg)
{
    struct log_buffering b = { .size = 100, .flush_ms = 10 };
    struct log_file *f = file_at("timed");
    log_file_write(f, &b, STR("line\n"));
    assert_string_equal(content(path_of("timed")), "");
    assert_int_equal(fiber_sleep(40), 0);
    assert_string_equal(content(path_of("timed")), "line\n");
    log_flush_thread();
}

static void
a_buffer_is_written_when_its_time_is_up(void **state)
{
    assert_int_equal(loop_run_fiber(wait_for_flush, NULL), 0);
}

static void
a_compressed_log_is_read_by_gzip(void **state)
{
    char text[64] = "";
    struct log_buffering b = { .size = 100, .gzip = 1 };
    struct log_file *f = file_at("log.gz");
    log_file_write(f, &b, STR("one\n"));
    log_flush_thread();
    log_file_write(f, &b, STR("two\n"));
    log_flush_thread();
    gzFile z = gzopen(path_of("log.gz").p, "r");
    assert_non_null(z);
    assert_int_equal(gzread(z, text, sizeof text - 1), 8);
    gzclose(z);
    assert_string_equal(text, "one\ntwo\n");
}

static void
a_pipe_that_nobody_reads_costs_lines_not_time(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    static char big[4096];
    log_files_adopt(path_of("pipe"), ends[1]);
    struct log_file *f = log_file_named(path_of("pipe"), LOG_TO_FILE, 0);
    static const struct error_log silent = { 0 };
    error_log_set_global(&silent);
    for (int i = 0; i < 20; i++)
        log_file_put(f, (struct str){ big, sizeof big }, -1);
    error_log_set_global(NULL);
    close(ends[0]);
}

static void
a_cached_log_follows_a_rename(void **state)
{
    struct log_cache_settings s = { .max = 2, .min_uses = 1, .inactive_ms = 10000, .valid_ms = 0 };
    struct str a = path_of("cached");
    assert_int_equal(log_cache_write(&s, a, STR("1\n")), 0);
    assert_int_equal(log_cache_write(&s, a, STR("2\n")), 0);
    assert_int_equal(rename(a.p, path_of("cached.1").p), 0);
    usleep(2000);
    clock_refresh();
    assert_int_equal(log_cache_write(&s, a, STR("3\n")), 0);
    assert_string_equal(content(path_of("cached.1")), "1\n2\n");
    assert_string_equal(content(path_of("cached")), "3\n");
    assert_int_equal(log_cache_write(&s, path_of("none/x"), STR("4\n")), -ENOENT);
    assert_int_equal(log_cache_write(&(struct log_cache_settings){ 0 }, a, STR("5\n")), 0);
    log_cache_close();
    assert_string_equal(content(path_of("cached")), "3\n5\n");
}

static void
the_global_log_outlives_its_configuration(void **state)
{
    struct error_target t = { file_at("global"), LEVEL_INFO };
    struct error_log l = { &t, 1, LEVEL_INFO };
    error_log_set_global(&l);
    const struct error_log *kept = error_log_global();
    t = (struct error_target){ NULL, LEVEL_EMERG };
    l = (struct error_log){ 0 };
    log_write(error_log_global(), LEVEL_INFO, 0, "still here");
    assert_matches(content(path_of("global")), "still here\n$");
    t = kept->targets[0];
    l = (struct error_log){ &t, 1, LEVEL_INFO };
    error_log_set_global(&l);
    assert_ptr_equal(error_log_global(), kept);
    error_log_set_global(NULL);
}

static int
begin(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int
end(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_nginxs),
        cmocka_unit_test(an_errno_is_told_as_nginx_does),
        cmocka_unit_test(each_target_has_its_own_level),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(a_reopened_file_is_the_one_of_that_name),
        cmocka_unit_test(a_buffer_is_written_when_full_and_at_the_threads_end),
        cmocka_unit_test(a_buffer_is_written_when_its_time_is_up),
        cmocka_unit_test(a_compressed_log_is_read_by_gzip),
        cmocka_unit_test(a_pipe_that_nobody_reads_costs_lines_not_time),
        cmocka_unit_test(the_global_log_outlives_its_configuration),
        cmocka_unit_test(a_cached_log_follows_a_rename),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
