/* Dates of HTTP and of logs. The calendar is computed here: strftime depends on the locale, and
 * gmtime is asked once a second at most. */
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

/* `width` digits and what follows them. */
static char *
put_number(char *to, int value, int width, char after)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    to[width] = after;
    return to + width + (after != '\0');
}

/* "08:49:37" and one byte more unless it is NUL. */
static char *
put_clock(char *to, const struct tm *t, char after)
{
    to = put_number(to, t->tm_hour, 2, ':');
    to = put_number(to, t->tm_min, 2, ':');
    return put_number(to, t->tm_sec, 2, after);
}

void
date_format_http(time_t t, char *out)
{
    struct tm tm;
    char text[HTTP_DATE_SIZE + 1], *p = text;
    gmtime_r(&t, &tm);
    p = put_text(p, day_names[tm.tm_wday], 3);
    p = put_text(p, ", ", 2);
    p = put_number(p, tm.tm_mday, 2, ' ');
    p = put_text(p, month_names[tm.tm_mon], 3);
    *p++ = ' ';
    p = put_number(p, tm.tm_year + 1900, 4, ' ');
    p = put_clock(p, &tm, ' ');
    put_text(p, "GMT", 3);
    memcpy(out, text, HTTP_DATE_SIZE);
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
