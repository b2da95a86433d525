/* satisfy, auth_delay: what the handlers of the access phases decide together. */
#pragma once

#include "exchange/exchange.h"

#include "config/compile.h"

struct calls;

enum satisfy { SATISFY_ALL, SATISFY_ANY };

struct access_settings {
    unsigned satisfy; /* enum satisfy */
    struct msec delay;
};

extern const struct directive_set access_directives; /* struct access_settings */

/* Of satisfy any: takes the place of the calls of the access phases, which are its settings. */
extern const struct feature satisfy_any;
/* The handler that passes x knows who it is: with satisfy any nobody else is asked. One that passes
 * without this word has no opinion. */
void access_grant(struct exchange *x);
/* x was refused by a handler of the access phases: FAILED, 401 after auth_delay. */
enum verdict access_refused(struct exchange *x);
