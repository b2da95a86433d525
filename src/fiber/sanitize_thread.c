/* fiber/sanitize.h for ThreadSanitizer. */
#include "fiber/sanitize.h"

#include <sanitizer/tsan_interface.h>

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

void
sanitize_leave(struct sanitize *from, struct sanitize *to, bool ending)
{
    __tsan_switch_to_fiber(to->state, 0);
}

void
sanitize_arrive(struct sanitize *self, struct sanitize *from)
{
}

void
sanitize_end(struct sanitize *s)
{
    __tsan_destroy_fiber(s->state);
}
