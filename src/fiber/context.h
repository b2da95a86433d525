/* Where a fiber stopped, and the jump to another one.
 *
 * A context is an address on the stopped stack itself: below it lie the registers that a function
 * must keep for its caller. The rest, and the floating-point control words, the caller of
 * context_switch has saved or does not use. Which file implements this is the build's choice:
 * context_x86_64.S, context_aarch64.S, or context_ucontext.c anywhere else. */
#pragma once

typedef void context_fn(void *arg);

/* A context that, when first switched to, calls entry(arg) on the stack between low and top.
 * entry must never return. Needs nothing but the stack's memory. */
void *context_make(char *top, char *low, context_fn *entry, void *arg);
/* Leaves the present context in *here and goes on at `there`; returns when somebody switches back.
 */
void context_switch(void **here, void *there);
