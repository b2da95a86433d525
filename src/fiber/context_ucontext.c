/* fiber/context.h anywhere: POSIX ucontext, slower because it saves the signal mask by system call.
 */
#include "fiber/context.h"

#include "base/must.h"

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

struct beginning {
    ucontext_t context;
    context_fn *entry;
    void *arg;
};

/* makecontext passes ints only, so the address comes in halves. */
static void
begin(unsigned high, unsigned low)
{
    struct beginning *b = (struct beginning *)((uintptr_t)high << 16 << 16 | low);
    b->entry(b->arg);
    must(!"a fiber's entry returned");
}

void *
context_make(char *top, char *low, context_fn *entry, void *arg)
{
    char *at = top - sizeof(struct beginning);
    struct beginning *b = (struct beginning *)(at - (uintptr_t)at % 64);
    must(getcontext(&b->context) == 0);
    b->entry = entry;
    b->arg = arg;
    b->context.uc_stack.ss_sp = low;
    b->context.uc_stack.ss_size = (size_t)((char *)b - low);
    b->context.uc_link = NULL;
    makecontext(&b->context, (void (*)(void))begin, 2, (unsigned)((uintptr_t)b >> 16 >> 16),
                (unsigned)(uintptr_t)b);
    return &b->context;
}

void
context_switch(void **here, void *there)
{
    ucontext_t mine;
    *here = &mine;
    must(swapcontext(&mine, there) == 0);
}
