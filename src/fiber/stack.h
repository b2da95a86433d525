/* The memory of stacks: rows of equal ranges of address space, each with a guard at its low end.
 *
 * The guard is MADV_GUARD_INSTALL where the kernel has it (6.13): it costs no mapping. Else it is
 * mprotect, which splits mappings; the kernel allows a process some 65,000 of them, so beyond a
 * share of those, stacks go unguarded rather than fail. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct stack {
    char *low; /* the first usable byte; the guard lies below */
    size_t size;
    bool heavy; /* guarded by mprotect */
};

/* The size of a guard, and the granule of sizes: a page. */
size_t stack_page(void);
/* Maps a row of `n` stacks of `size` bytes each, guard included. False when the address space or
 * the mappings are exhausted. */
bool stack_map(struct stack *stacks, size_t n, size_t size);
/* The row as stack_map described it. */
void stack_unmap(const struct stack *stacks, size_t n);
/* Gives the memory back and keeps the address space; what the stack held is lost. */
void stack_cool(const struct stack *s);
/* From now on behave as on a kernel without light guards; for tests. */
void stack_forget_light_guards(void);
