/* The present moment in the forms that go into every answer and every log line, written once a
 * second and thread. */
#include "base/clock.h"
#include "http/date.h"

struct now {
    time_t second;
    char http[HTTP_DATE_SIZE], log[LOG_TIME_SIZE], iso8601[ISO8601_SIZE];
    char error_log[ERROR_LOG_TIME_SIZE];
};

static __thread struct now cache;

struct zone {
    char sign;
    int hours, minutes;
};

static struct zone
zone_of(const struct tm *t)
{
    long east = t->tm_gmtoff / 60, size = east < 0 ? -east : east;
    return (struct zone){ east < 0 ? '-' : '+', (int)(size / 60 % 100), (int)(size % 60) };
}

static void
put_two(char *to, int value)
{
    to[0] = (char)('0' + value / 10 % 10);
    to[1] = (char)('0' + value % 10);
}

/* "hh:mm:ss" */
static void
put_clock(char *to, const struct tm *t)
{
    put_two(to, t->tm_hour);
    to[2] = to[5] = ':';
    put_two(to + 3, t->tm_min);
    put_two(to + 6, t->tm_sec);
}

static void
put_year(char *to, const struct tm *t)
{
    int year = t->tm_year + 1900;
    put_two(to, year / 100);
    put_two(to + 2, year);
}

/* 28/Sep/2026:12:00:00 +0600 */
static void
write_log(struct now *n, const struct tm *t)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct zone zone = zone_of(t);
    char *p = n->log;
    put_two(p, t->tm_mday);
    p[2] = p[6] = '/';
    memcpy(p + 3, months + 3 * t->tm_mon, 3);
    put_year(p + 7, t);
    p[11] = ':';
    put_clock(p + 12, t);
    p[20] = ' ';
    p[21] = zone.sign;
    put_two(p + 22, zone.hours);
    put_two(p + 24, zone.minutes);
}

static void
put_date(char *to, const struct tm *t, char between)
{
    put_year(to, t);
    to[4] = to[7] = between;
    put_two(to + 5, t->tm_mon + 1);
    put_two(to + 8, t->tm_mday);
}

/* 2026-09-28T12:00:00+06:00 */
static void
write_iso8601(struct now *n, const struct tm *t)
{
    struct zone zone = zone_of(t);
    char *p = n->iso8601;
    put_date(p, t, '-');
    p[10] = 'T';
    put_clock(p + 11, t);
    p[19] = zone.sign;
    put_two(p + 20, zone.hours);
    p[22] = ':';
    put_two(p + 23, zone.minutes);
}

/* 2026/09/28 12:00:00 */
static void
write_error_log(struct now *n, const struct tm *t)
{
    put_date(n->error_log, t, '/');
    n->error_log[10] = ' ';
    put_clock(n->error_log + 11, t);
}

static const struct now *
now(void)
{
    time_t second = (time_t)(clock_wall_us() / 1000000);
    struct tm local;
    if (cache.second == second)
        return &cache;
    localtime_r(&second, &local);
    cache.second = second;
    date_format_http(second, cache.http);
    write_log(&cache, &local);
    write_iso8601(&cache, &local);
    write_error_log(&cache, &local);
    return &cache;
}

struct str
date_http_now(void)
{
    return (struct str){ now()->http, HTTP_DATE_SIZE };
}

struct str
date_log_now(void)
{
    return (struct str){ now()->log, LOG_TIME_SIZE };
}

struct str
date_iso8601_now(void)
{
    return (struct str){ now()->iso8601, ISO8601_SIZE };
}

struct str
date_error_log_now(void)
{
    return (struct str){ now()->error_log, ERROR_LOG_TIME_SIZE };
}
