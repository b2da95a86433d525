/* nghttp2 1.61 and later, and distributions that have brought its fixes back. */
#include "h2/limits.h"

/* CONTINUATION frames behind one HEADERS: 16 KiB each, so more than any head has. */
enum { CONTINUATIONS_MAX = 16 };

void
h2_limits_set(nghttp2_option *o)
{
    nghttp2_option_set_max_continuations(o, CONTINUATIONS_MAX);
    /* Resets are counted by our own budget (h2/budget.h). */
    nghttp2_option_set_stream_reset_rate_limit(o, UINT64_MAX / 2, 1000);
}
