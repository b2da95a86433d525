/* What the program has to say: to the terminal while it starts, to the error log once there is one.
 */
#pragma once

#include "config/diag.h"

/* "usher: [emerg] MESSAGE" on stderr (warnings and worse, while starting) and a line of the global
 * error log (once it was set). error: an errno whose text is added as nginx does, or 0. */
void report(enum log_level level, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* How to mend what was just reported: below it on the terminal, in no log. */
void report_hint(const char *hint);
/* Every problem of a configuration, each with its excerpt. `quiet` leaves warnings out. */
void report_diags(const struct diags *d, bool quiet);
/* Warnings that the terminal was told of before there was a log: for the log. */
void report_warnings_to_log(const struct diags *d);
/* Until report_to_log the terminal is told; from then on only the log. */
void report_to_log(void);
/* From now on the global error log is told too. */
void report_log_opened(void);
