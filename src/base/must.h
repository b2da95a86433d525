/* must(claim): a claim about our own code that holds in release builds too.
 *
 * Never reachable from a peer's bytes: what a peer can cause is a fault (base/fault.h). */
#pragma once

/* Installed by the supervisor to log the crash; called once, before abort(). Process-wide. */
typedef void must_report_fn(const char *claim, const char *file, int line);
void must_report_to(must_report_fn *report);

_Noreturn void must_fail(const char *claim, const char *file, int line);

#define must(claim) \
    (__builtin_expect(!!(claim), 1) ? (void)0 : must_fail(#claim, __FILE__, __LINE__))
