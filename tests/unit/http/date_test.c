/* http/date.c and date_now.c. */
#include "http/date.h"

#include "base/clock.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

static void
dates_are_written_and_read_back(void **state)
{
    char text[HTTP_DATE_SIZE];
    date_format_http(784111777, text);
    assert_memory_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_SIZE);
    for (time_t t = 0; t < 4102444800; t += 86399 * 3) {
        date_format_http(t, text);
        assert_int_equal(date_parse_http((struct str){ text, sizeof text }), t);
    }
}

/* Leap days, ends of centuries, before 1970: as strftime has them in the C locale. */
static void
the_calendar_is_that_of_the_libc(void **state)
{
    for (time_t t = -62135596800; t < 253402300800; t += 86399 * 37) { /* years 1 to 9999 */
        char text[HTTP_DATE_SIZE + 1] = "", expected[64];
        struct tm tm;
        gmtime_r(&t, &tm);
        size_t n = strftime(expected, sizeof expected, "%a, %d %b ", &tm);
        snprintf(expected + n, sizeof expected - n, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
        date_format_http(t, text);
        assert_string_equal(text, expected);
    }
}

static void
times_without_end_are_written_too(void **state)
{
    char text[HTTP_DATE_SIZE];
    date_format_http(INT64_MIN, text);
    assert_memory_equal(text, "Wed, 01 Mar 0000 00:00:00 GMT", HTTP_DATE_SIZE);
    date_format_http(INT64_MAX, text);
    assert_memory_equal(text + 26, "GMT", 3);
}

static void
all_three_forms_are_read(void **state)
{
    assert_int_equal(date_parse_http(STR("Sun, 06 Nov 1994 08:49:37 GMT")), 784111777);
    assert_int_equal(date_parse_http(STR("Sunday, 06-Nov-94 08:49:37 GMT")), 784111777);
    assert_int_equal(date_parse_http(STR("Sun Nov  6 08:49:37 1994")), 784111777);
    assert_int_equal(date_parse_http(STR("Wed Nov 16 08:49:37 1994")), 784975777);
    assert_int_equal(date_parse_http(STR("Thu, 29 Feb 2024 00:00:00 GMT")), 1709164800);
}

static void
malformed_dates_are_refused(void **state)
{
    static const struct str bad[] = {
        STR(""),
        STR("0"),
        STR("Sun"),
        STR("Sun,"),
        STR("Sun, 06 Nov 1994"),
        STR("Sun, 06 Nov 1994 08:49:37"),
        STR("Sun, 06 Nov 1994 08:49:37 CET"),
        STR("Sun, 06 Nov 1994 08:49:37 GMT "),
        STR("Sun, 6 Nov 1994 08:49:37 GMT"),
        STR("Sun, 00 Nov 1994 08:49:37 GMT"),
        STR("Sun, 31 Nov 1994 08:49:37 GMT"),
        STR("Sun, 29 Feb 2023 08:49:37 GMT"),
        STR("Sun, 06 nov 1994 08:49:37 GMT"),
        STR("Sun, 06 Nov 1994 24:49:37 GMT"),
        STR("Sun, 06 Nov 1994 08:60:37 GMT"),
        STR("Sun, 06 Nov 1994 08:49:61 GMT"),
        STR("Sun, 06 Nov 1900 08:49:37 GMT"),
        STR("Sun, -6 Nov 1994 08:49:37 GMT"),
        STR("Sun Nov 6 08:49:37 1994"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(date_parse_http(bad[i]), -1);
}

/* "2026-09-28T12:00:00+06:00" of a zone, against strftime. */
static void
assert_zone(const char *zone)
{
    char text[64];
    setenv("TZ", zone, 1);
    tzset();
    clock_refresh();
    time_t t = (time_t)(clock_wall_us() / 1000000);
    struct str log = date_log_now(), iso = date_iso8601_now(), error = date_error_log_now();
    struct tm *local = localtime(&t);
    strftime(text, sizeof text, "%d/%b/%Y:%H:%M:%S %z", local);
    assert_true(str_eq(log, str_of(text)));
    strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", local);
    assert_true(str_eq(error, str_of(text)));
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", local);
    assert_true(str_starts(iso, str_of(text)));
    assert_int_equal(iso.n, ISO8601_SIZE);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&t));
    assert_true(str_eq(date_http_now(), str_of(text)));
}

static void
now_is_told_in_the_local_zone(void **state)
{
    assert_zone("XXX-05:45");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_written_and_read_back),
        cmocka_unit_test(the_calendar_is_that_of_the_libc),
        cmocka_unit_test(times_without_end_are_written_too),
        cmocka_unit_test(all_three_forms_are_read),
        cmocka_unit_test(malformed_dates_are_refused),
        cmocka_unit_test(now_is_told_in_the_local_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
