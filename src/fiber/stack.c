/* Mapping, guarding and cooling of stacks. */
#include "fiber/stack.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; younger than our libc's header */
#endif

static atomic_bool no_light_guards;
static atomic_long heavy_guards;
static atomic_long heavy_limit;

size_t
stack_page(void)
{
    static atomic_size_t page;
    if (page == 0)
        page = (size_t)sysconf(_SC_PAGESIZE);
    return page;
}

void
stack_forget_light_guards(void)
{
    no_light_guards = true;
}

/* A guard made by mprotect costs two mappings. A quarter of what the kernel allows leaves half of
 * the mappings to malloc, libraries and files. */
static long
read_heavy_limit(void)
{
    char text[32] = "";
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    if (f != NULL) {
        if (fgets(text, sizeof text, f) == NULL)
            text[0] = 0;
        fclose(f);
    }
    long maps = strtol(text, NULL, 10);
    if (maps < 4)
        maps = 65530;
    return maps / 4;
}

static bool
guard_heavily(char *at)
{
    if (heavy_limit == 0)
        heavy_limit = read_heavy_limit();
    if (atomic_fetch_add(&heavy_guards, 1) < heavy_limit &&
        mprotect(at, stack_page(), PROT_NONE) == 0)
        return true;
    atomic_fetch_sub(&heavy_guards, 1);
    return false;
}

/* True when it costs mappings. */
static bool
guard(char *at)
{
    if (!no_light_guards && madvise(at, stack_page(), MADV_GUARD_INSTALL) == 0)
        return false;
    no_light_guards = true;
    return guard_heavily(at);
}

bool
stack_map(struct stack *stacks, size_t n, size_t size)
{
    char *base = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED)
        return false;
    /* A huge page under the first touch would make all of the row's stacks resident. */
    (void)madvise(base, n * size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < n; i++) {
        char *low = base + i * size;
        stacks[i] = (struct stack){ low + stack_page(), size - stack_page(), guard(low) };
    }
    return true;
}

void
stack_unmap(const struct stack *stacks, size_t n)
{
    munmap(stacks[0].low - stack_page(), n * (stacks[0].size + stack_page()));
    for (size_t i = 0; i < n; i++)
        if (stacks[i].heavy)
            atomic_fetch_sub(&heavy_guards, 1);
}

void
stack_cool(const struct stack *s)
{
    (void)madvise(s->low, s->size, MADV_DONTNEED);
}
