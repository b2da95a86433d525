/* HTTP dates (RFC 9110 5.6.7) and the log's time formats. Seconds since 1970, GMT. */
#pragma once

#include "base/str.h"

#include <time.h>

enum { HTTP_DATE_SIZE = 29, LOG_TIME_SIZE = 26, ISO8601_SIZE = 25, ERROR_LOG_TIME_SIZE = 19 };

/* "Sun, 06 Nov 1994 08:49:37 GMT"; writes exactly HTTP_DATE_SIZE bytes. */
void date_format_http(time_t t, char *out);
/* All three forms of RFC 9110; -1 when malformed. */
time_t date_parse_http(struct str s);
/* Cached per thread and second: views into static thread memory, valid until the thread's next
 * second. */
struct str date_http_now(void);      /* Date: */
struct str date_log_now(void);       /* $time_local  28/Sep/2026:12:00:00 +0600 */
struct str date_iso8601_now(void);   /* $time_iso8601 2026-09-28T12:00:00+06:00 */
struct str date_error_log_now(void); /* 2026/09/28 12:00:00 */
