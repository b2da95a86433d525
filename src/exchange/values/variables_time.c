/* Variables of time. All come from the turn's clock: no system call. */
#include "base/clock.h"
#include "exchange/values/print.h"
#include "exchange/values/variable.h"
#include "http/date.h"

static bool
get_msec(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_seconds(x, clock_wall_us());
    return true;
}

static bool
get_request_time(struct exchange *x, struct str rest, struct str *out)
{
    uint64_t now = clock_us();
    *out = print_seconds(x, now > x->began_us ? now - x->began_us : 0);
    return true;
}

/* Copied: the thread's text changes with its next second, which a long value may outlive. */
static bool
get_time_local(struct exchange *x, struct str rest, struct str *out)
{
    *out = arena_dup(&x->arena, date_log_now());
    return true;
}

static bool
get_time_iso8601(struct exchange *x, struct str rest, struct str *out)
{
    *out = arena_dup(&x->arena, date_iso8601_now());
    return true;
}

const struct variable time_variables[] = {
    { "msec", get_msec, NULL, VARIABLE_VOLATILE, "Now, in seconds since 1970 with milliseconds." },
    { "request_time", get_request_time, NULL, VARIABLE_VOLATILE,
      "Seconds with milliseconds since the first byte of the request." },
    { "time_iso8601", get_time_iso8601, NULL, VARIABLE_VOLATILE, "Local time in ISO 8601." },
    { "time_local", get_time_local, NULL, VARIABLE_VOLATILE,
      "Local time in the Common Log Format." },
    { 0 },
};
