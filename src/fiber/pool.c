/* The pool of fibers: rows of structs with a row of stacks each, and a list of the idle.
 *
 * Idle fibers are taken last used first, so the hot ones stay in cache. Those at the cold end that
 * were not needed during a second lose their stacks' memory, beyond some hundreds. */
#include "base/must.h"
#include "fiber/scheduler.h"

#include <stdlib.h>

#ifndef FIBER_STACK_KIB
#define FIBER_STACK_KIB 64
#endif

#define STACK_SIZE   ((size_t)FIBER_STACK_KIB << 10)
#define ROW          64
#define KEEP_WARM    256
#define TRIM_MS      1000
#define TRIM_AT_ONCE 1024

/* Stacks lie 64 KiB apart, so without colours their tops would fight for the same cache lines. */
#define COLOURS     16
#define COLOUR_SIZE 128

struct row {
    struct list link;
    size_t n;
    struct fiber fibers[];
};

static __thread struct {
    struct list rows;
    struct list warm, cold; /* idle; cold ones own no memory */
    size_t warm_count;
    size_t warm_least; /* within the present trim period */
    struct timer trim;
} pool;

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Cools from the cold end what even the busiest moment of the last period left idle. */
static void
trim(struct timer *t)
{
    size_t surplus = least(pool.warm_least, pool.warm_count - least(KEEP_WARM, pool.warm_count));
    for (size_t i = least(surplus, TRIM_AT_ONCE); i > 0; i--) {
        struct fiber *f = container_of(pool.warm.prev, struct fiber, link);
        list_remove(&f->link);
        stack_cool(&f->stack);
        list_push_front(&pool.cold, &f->link);
        pool.warm_count--;
    }
    pool.warm_least = pool.warm_count;
    if (pool.warm_count > KEEP_WARM)
        timer_set(t, clock_in(TRIM_MS));
}

void
pool_open(void)
{
    list_init(&pool.rows);
    list_init(&pool.warm);
    list_init(&pool.cold);
    pool.warm_count = pool.warm_least = 0;
    timer_init(&pool.trim, trim);
}

static struct row *
row_open(size_t n, size_t size)
{
    struct row *r = calloc(1, sizeof *r + n * sizeof(struct fiber));
    struct stack stacks[ROW];
    must(r != NULL && stack_map(stacks, n, size));
    r->n = n;
    for (size_t i = 0; i < n; i++) {
        struct fiber *f = &r->fibers[i];
        f->stack = stacks[i];
        f->top = f->stack.low + f->stack.size - i % COLOURS * COLOUR_SIZE;
        f->pooled = n == ROW;
    }
    list_push_back(&pool.rows, &r->link);
    return r;
}

static void
row_close(struct row *r)
{
    struct stack stacks[ROW];
    for (size_t i = 0; i < r->n; i++) {
        stacks[i] = r->fibers[i].stack;
        timer_fini(&r->fibers[i].timer);
    }
    stack_unmap(stacks, r->n);
    list_remove(&r->link);
    free(r);
}

void
pool_close(void)
{
    timer_fini(&pool.trim);
    while (!list_empty(&pool.rows))
        row_close(container_of(pool.rows.next, struct row, link));
}

static void
grow(void)
{
    struct row *r = row_open(ROW, STACK_SIZE);
    for (size_t i = 0; i < ROW; i++)
        list_push_back(&pool.cold, &r->fibers[i].link);
}

static struct fiber *
take_cold(void)
{
    if (list_empty(&pool.cold))
        grow();
    return container_of(list_pop_front(&pool.cold), struct fiber, link);
}

struct fiber *
pool_take(void)
{
    struct list *link = list_pop_front(&pool.warm);
    if (link == NULL)
        return take_cold();
    pool.warm_count--;
    if (pool.warm_count < pool.warm_least)
        pool.warm_least = pool.warm_count;
    return container_of(link, struct fiber, link);
}

struct fiber *
pool_take_large(size_t size)
{
    size_t page = stack_page();
    return row_open(1, (size + 2 * page - 1) / page * page)->fibers;
}

void
pool_put(struct fiber *f)
{
    f->state = FIBER_IDLE;
    if (!f->pooled) {
        row_close((struct row *)((char *)f - offsetof(struct row, fibers)));
        return;
    }
    list_push_front(&pool.warm, &f->link);
    if (++pool.warm_count > KEEP_WARM && pool.trim.deadline == NEVER)
        timer_set(&pool.trim, clock_in(TRIM_MS));
}

size_t
pool_warm(void)
{
    return pool.warm_count;
}

void
pool_each(pool_visit_fn *visit, void *arg)
{
    for (struct list *l = pool.rows.next; l != &pool.rows; l = l->next) {
        struct row *r = container_of(l, struct row, link);
        for (size_t i = 0; i < r->n; i++)
            if (r->fibers[i].state != FIBER_IDLE)
                visit(&r->fibers[i], arg);
    }
}
