/* How the values of variables are printed: numbers, times, fields. In the exchange's arena. */
#pragma once

#include "exchange/exchange.h"

struct str print_u64(struct exchange *x, uint64_t n);
/* Lower-case hexadecimal digits. */
struct str print_hex(struct exchange *x, const unsigned char *p, size_t n);
/* "0.012": seconds with milliseconds. */
struct str print_seconds(struct exchange *x, uint64_t us);
/* nginx's $http_ rule: all fields of that name (its '-' as '_') joined by ", ", Cookie by "; ".
 * False when there is none. */
bool print_fields(struct exchange *x, const struct fields *f, struct str underscored,
                  struct str *out);

/* *out = value; false when it is absent. */
static inline bool
give(struct str value, struct str *out)
{
    *out = value;
    return value.p != NULL;
}
