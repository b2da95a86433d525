/* The end of a process whose own code is wrong: say which claim failed, then abort. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

static must_report_fn *reporter;

void
must_report_to(must_report_fn *report)
{
    reporter = report;
}

void
must_fail(const char *claim, const char *file, int line)
{
    if (reporter)
        reporter(claim, file, line);
    else
        fprintf(stderr, "usher: claim failed: %s at %s:%d\n", claim, file, line);
    abort();
}
