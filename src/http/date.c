/* Dates of HTTP and of logs. The calendar is computed here: strftime depends on the locale, and
 * gmtime takes a lock that all threads share, for each file's Last-Modified. */
#include "http/date.h"

#include "base/clock.h"

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static char *
put_text(char *to, const char *text, size_t n)
{
    memcpy(to, text, n);
    return to + n;
}

/* Two digits and what follows them. */
static char *
put_two(char *to, unsigned value, char after)
{
    to[0] = (char)('0' + value / 10 % 10);
    to[1] = (char)('0' + value % 10);
    to[2] = after;
    return to + 3;
}

struct day {
    unsigned year, month, date, weekday; /* month and weekday from 0 */
};

enum { DAY = 86400, ERA = 146097, ERA_DAYS_TO_1970 = 719468 };

/* The day so many days after 1 March of year 0. Years begin with March here, so that a leap day is
 * the last of its year; 400 of them are an era, and all eras are alike. */
static struct day
day_of(uint64_t days)
{
    uint64_t era = days / ERA;
    unsigned of_era = (unsigned)(days % ERA),
             year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365,
             of_year = of_era - (365 * year + year / 4 - year / 100),
             month = (5 * of_year + 2) / 153; /* from March */
    return (struct day){ .year = (unsigned)(era * 400) + year + (month >= 10),
                         .month = (month + 2) % 12,
                         .date = of_year - (153 * month + 2) / 5 + 1,
                         .weekday = (unsigned)((days + 3) % 7) };
}

/* What is before year 0 is none that a file or a header has: it is written as year 0. */
void
date_format_http(time_t t, char *out)
{
    const time_t before_1970 = (time_t)DAY * ERA_DAYS_TO_1970;
    uint64_t seconds = t > -before_1970 ? (uint64_t)t + (uint64_t)before_1970 : 0;
    struct day d = day_of(seconds / DAY);
    unsigned of_day = (unsigned)(seconds % DAY);
    char *p = put_text(out, day_names[d.weekday], 3);
    p = put_text(p, ", ", 2);
    p = put_two(p, d.date, ' ');
    p = put_text(p, month_names[d.month], 3);
    *p++ = ' ';
    put_two(p, d.year / 100, ' ');
    p = put_two(p + 2, d.year, ' ');
    p = put_two(p, of_day / 3600, ':');
    p = put_two(p, of_day / 60 % 60, ':');
    p = put_two(p, of_day % 60, ' ');
    put_text(p, "GMT", 3);
}

/* --- reading (RFC 9110 5.6.7) --- */

static bool
take_number(struct str *s, size_t width, int *out)
{
    uint64_t value;
    if (s->n < width || !str_to_u64(str_head(*s, width), INT32_MAX, &value))
        return false;
    *out = (int)value;
    *s = str_skip(*s, width);
    return true;
}

static bool
take(struct str *s, struct str literal)
{
    if (!str_starts(*s, literal))
        return false;
    *s = str_skip(*s, literal.n);
    return true;
}

static bool
take_month(struct str *s, int *month)
{
    for (*month = 0; *month < 12; ++*month)
        if (take(s, (struct str){ month_names[*month], 3 }))
            return true;
    return false;
}

static bool
take_clock(struct str *s, struct tm *t)
{
    return take_number(s, 2, &t->tm_hour) && take(s, STR(":")) && take_number(s, 2, &t->tm_min) &&
           take(s, STR(":")) && take_number(s, 2, &t->tm_sec);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool
parse_imf(struct str s, struct tm *t)
{
    return take_number(&s, 2, &t->tm_mday) && take(&s, STR(" ")) && take_month(&s, &t->tm_mon) &&
           take(&s, STR(" ")) && take_number(&s, 4, &t->tm_year) && take(&s, STR(" ")) &&
           take_clock(&s, t) && str_eq(s, STR(" GMT"));
}

/* A two-digit year that seems more than 50 years ahead is the past one (RFC 9110 5.6.7). */
static int
full_year(int two_digits)
{
    int now = 1970 + (int)(clock_wall_us() / 1000000 / 31556952);
    int year = now - now % 100 + two_digits;
    return year > now + 50 ? year - 100 : year;
}

/* "06-Nov-94 08:49:37 GMT" */
static bool
parse_rfc850(struct str s, struct tm *t)
{
    if (!take_number(&s, 2, &t->tm_mday) || !take(&s, STR("-")) || !take_month(&s, &t->tm_mon) ||
        !take(&s, STR("-")) || !take_number(&s, 2, &t->tm_year) || !take(&s, STR(" ")) ||
        !take_clock(&s, t) || !str_eq(s, STR(" GMT")))
        return false;
    t->tm_year = full_year(t->tm_year);
    return true;
}

/* "Nov  6 08:49:37 1994" */
static bool
parse_asctime(struct str s, struct tm *t)
{
    if (!take_month(&s, &t->tm_mon) || !take(&s, STR(" ")))
        return false;
    return take_number(&s, take(&s, STR(" ")) ? 1 : 2, &t->tm_mday) && take(&s, STR(" ")) &&
           take_clock(&s, t) && take(&s, STR(" ")) && take_number(&s, 4, &t->tm_year) && s.n == 0;
}

static bool
is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static time_t
to_seconds(const struct tm *t)
{
    static const int days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    int past = t->tm_year - 1;
    int month_days = days_before[t->tm_mon + 1] - days_before[t->tm_mon];
    if (t->tm_mon == 1 && is_leap(t->tm_year))
        month_days++;
    if (t->tm_year < 1970 || t->tm_mday < 1 || t->tm_mday > month_days || t->tm_hour > 23 ||
        t->tm_min > 59 || t->tm_sec > 60)
        return -1;
    time_t days = 365 * ((time_t)t->tm_year - 1970) + past / 4 - past / 100 + past / 400 - 477 +
                  days_before[t->tm_mon] + t->tm_mday - 1;
    if (t->tm_mon > 1 && is_leap(t->tm_year))
        days++;
    return days * 86400 + t->tm_hour * 3600 + t->tm_min * 60 + t->tm_sec;
}

time_t
date_parse_http(struct str s)
{
    struct tm t = { 0 };
    ptrdiff_t comma = str_find(s, ',');
    bool good;
    if (comma > 0 && s.n > (size_t)comma + 4 && s.p[comma + 1] == ' ') {
        s = str_skip(s, (size_t)comma + 2);
        good = s.p[2] == '-' ? parse_rfc850(s, &t) : parse_imf(s, &t);
    } else {
        good = s.n > 4 && s.p[3] == ' ' && parse_asctime(str_skip(s, 4), &t);
    }
    return good ? to_seconds(&t) : -1;
}
