/* The fault table: one row tells whose fault, the status, whether another server may be tried, how
 * loud the log is, and the sentence. Answer, retry, log line and metric label cannot disagree.
 *
 * An exchange ends badly in one way only: fail(x, FAULT_…, "particulars") of exchange/exchange.h.
 */
#pragma once

#include <stdbool.h>

enum log_level {
    LEVEL_EMERG = 1,
    LEVEL_ALERT,
    LEVEL_CRIT,
    LEVEL_ERROR,
    LEVEL_WARN,
    LEVEL_NOTICE,
    LEVEL_INFO,
    LEVEL_DEBUG,
};

enum fault_whose { OURS, CLIENT, BACKEND, CONFIGURATION };

/* The conditions of proxy_next_upstream, as bits. */
enum next_upstream {
    NEXT_NEVER = 0,
    NEXT_ERROR = 1 << 0,
    NEXT_TIMEOUT = 1 << 1,
    NEXT_INVALID_HEADER = 1 << 2,
    NEXT_HTTP_500 = 1 << 3,
    NEXT_HTTP_502 = 1 << 4,
    NEXT_HTTP_503 = 1 << 5,
    NEXT_HTTP_504 = 1 << 6,
    NEXT_HTTP_403 = 1 << 7,
    NEXT_HTTP_404 = 1 << 8,
    NEXT_HTTP_429 = 1 << 9,
    NEXT_NON_IDEMPOTENT = 1 << 10,
    NEXT_OFF = 1 << 11,
};

enum fault {
#define X(name, whose, status, retry, level, sentence) name,
#include "base/fault.def"
#undef X
    FAULT_COUNT
};

struct fault_row {
    const char *name;
    enum fault_whose whose;
    unsigned short status;
    unsigned short retry; /* enum next_upstream bit */
    enum log_level level;
    const char *sentence;
};

const struct fault_row *fault_row(enum fault fault);
