/* fiber/sanitize.h for ThreadSanitizer.
 *
 * The tool counts calls and returns of each fiber. A function that enters as one fiber and returns
 * as another would upset the count of both, so these are not instrumented. */
#include "fiber/sanitize.h"

#include <sanitizer/tsan_interface.h>

#if __has_attribute(disable_sanitizer_instrumentation)
#define UNCOUNTED __attribute__((disable_sanitizer_instrumentation))
#else
#define UNCOUNTED __attribute__((no_sanitize("thread")))
#endif

void
sanitize_begin(struct sanitize *s, const void *low, size_t size)
{
    *s = (struct sanitize){ low, size, __tsan_create_fiber(0) };
}

void
sanitize_adopt(struct sanitize *s)
{
    *s = (struct sanitize){ .state = __tsan_get_current_fiber() };
}

UNCOUNTED void
sanitize_leave(struct sanitize *from, struct sanitize *to, bool ending)
{
    __tsan_switch_to_fiber(to->state, 0);
}

UNCOUNTED void
sanitize_arrive(struct sanitize *self, struct sanitize *from)
{
}

void
sanitize_end(struct sanitize *s)
{
    __tsan_destroy_fiber(s->state);
}
