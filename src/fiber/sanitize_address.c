/* fiber/sanitize.h for AddressSanitizer. */
#include "fiber/sanitize.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

void
sanitize_begin(struct sanitize *s, const void *low, size_t size)
{
    *s = (struct sanitize){ low, size, NULL };
    /* The last fiber on this stack left the red zones of its outermost frames behind. */
    __asan_unpoison_memory_region(low, size);
}

void
sanitize_adopt(struct sanitize *s)
{
    *s = (struct sanitize){ 0 };
}

void
sanitize_leave(struct sanitize *from, struct sanitize *to, bool ending)
{
    __sanitizer_start_switch_fiber(ending ? NULL : &from->state, to->low, to->size);
}

/* The bounds of a thread's own stack are learnt from the first fiber it enters. */
void
sanitize_arrive(struct sanitize *self, struct sanitize *from)
{
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(self->state, &low, &size);
    if (from->low == NULL) {
        from->low = low;
        from->size = size;
    }
}

void
sanitize_end(struct sanitize *s)
{
}
