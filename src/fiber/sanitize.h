/* What AddressSanitizer and ThreadSanitizer must be told about fibers: a stack begins, we leave one
 * for another, we have arrived, a stack ends. Nothing at all in a plain build.
 *
 * The build defines FIBER_SANITIZE and adds sanitize_address.c or sanitize_thread.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef FIBER_SANITIZE

struct sanitize {
    const void *low; /* the stack's bounds */
    size_t size;
    void *state; /* ASan: the fake stack while away; TSan: the tool's own fiber */
};

/* A new fiber on this stack. */
void sanitize_begin(struct sanitize *s, const void *low, size_t size);
/* The thread's own stack, before its first fiber. */
void sanitize_adopt(struct sanitize *s);
/* Just before the switch; `ending` when `from` will never run again. */
void sanitize_leave(struct sanitize *from, struct sanitize *to, bool ending);
/* Just after the switch, on the new stack; `from` is where we came from. */
void sanitize_arrive(struct sanitize *self, struct sanitize *from);
/* From another stack, once it has ended. */
void sanitize_end(struct sanitize *s);

#else

struct sanitize {
};

static inline void
sanitize_begin(struct sanitize *s, const void *low, size_t size)
{
}

static inline void
sanitize_adopt(struct sanitize *s)
{
}

static inline void
sanitize_leave(struct sanitize *from, struct sanitize *to, bool ending)
{
}

static inline void
sanitize_arrive(struct sanitize *self, struct sanitize *from)
{
}

static inline void
sanitize_end(struct sanitize *s)
{
}

#endif
