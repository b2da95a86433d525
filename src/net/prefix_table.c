/* Prefixes become ranges: sorted starts, each with the value that holds from there on. Where the
 * starts of an IPv6 /64 differ in its lower half, these stand in a section of their own. So all
 * keys are 64 bits; they are sought by samples (each 16th key, each 256th …), as a tree without
 * pointers whose upper levels stay in the cache. */
#include "net/prefix_table.h"

#include "base/must.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { FANOUT_BITS = 4, LEVELS = 8, DEPTH_MAX = 129 };

#define SECTION 0x80000000U

struct prefix_entry {
    struct prefix_bits prefix;
    uint32_t value;
    uint32_t order;
};

struct ranges {
    uint64_t *levels[LEVELS]; /* [0]: all keys; [k]: each 16^k-th of them */
    uint32_t *values;         /* of IPv6's upper halves with SECTION: a section's number */
    size_t n, cap;
};

struct prefix_table {
    _Atomic unsigned holds;
    struct ranges v4, high, low;
    uint32_t *sections; /* where each begins in low; the end too */
    size_t n_sections, cap_sections;
};

/* --- memory: a configuration's, so running out of it is not survived --- */

static void *
resize(void *p, size_t size)
{
    void *new = realloc(p, size ? size : 1);
    must(new != NULL);
    return new;
}

static size_t
grown(size_t cap)
{
    return cap ? cap * 2 : 16;
}

void
prefix_builder_init(struct prefix_builder *b)
{
    *b = (struct prefix_builder){ 0 };
}

void
prefix_builder_fini(struct prefix_builder *b)
{
    free(b->entries);
    prefix_builder_init(b);
}

void
prefix_builder_add(struct prefix_builder *b, struct prefix_bits p, uint32_t value)
{
    must(value <= PREFIX_NONE && b->n < UINT32_MAX);
    if (b->n == b->cap) {
        b->cap = grown(b->cap);
        b->entries = resize(b->entries, b->cap * sizeof *b->entries);
    }
    b->entries[b->n] = (struct prefix_entry){ p, value, (uint32_t)b->n };
    b->n++;
}

static int
compare_ends(const struct prefix_bits *a, const struct prefix_bits *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return a->low == b->low ? 0 : a->low < b->low ? -1 : 1;
}

/* The address after; false when that was the family's last. */
static bool
step_over(struct prefix_bits *p)
{
    p->low++;
    if (p->v4)
        p->low = 0;
    if (p->low == 0)
        p->high += p->v4 ? (uint64_t)1 << 32 : 1;
    return p->low || p->high;
}

static bool
is_set(const struct prefix_bits *p, unsigned bit)
{
    return bit < 64 ? p->high >> (63 - bit) & 1 : p->low >> (127 - bit) & 1;
}

/* The widest prefix that begins there and does not reach beyond the last. */
static struct prefix_bits
widen(struct prefix_bits first, const struct prefix_bits *last)
{
    while (first.length && !is_set(&first, first.length - 1U)) {
        struct prefix_bits wider = first;
        wider.length--;
        struct prefix_bits end = prefix_bits_end(&wider);
        if (compare_ends(&end, last) > 0)
            break;
        first = wider;
    }
    return first;
}

void
prefix_builder_add_range(struct prefix_builder *b, struct prefix_bits first,
                         struct prefix_bits last, uint32_t value)
{
    const uint8_t whole = first.length;
    bool more = compare_ends(&first, &last) <= 0;
    while (more) {
        struct prefix_bits p = widen(first, &last);
        prefix_builder_add(b, p, value);
        first = prefix_bits_end(&p);
        first.length = whole;
        more = compare_ends(&first, &last) < 0 && step_over(&first);
    }
}

/* --- writing the ranges --- */

static void
push(struct ranges *r, uint64_t key, uint32_t value)
{
    if (r->n == r->cap) {
        r->cap = grown(r->cap);
        r->levels[0] = resize(r->levels[0], r->cap * sizeof(uint64_t));
        r->values = resize(r->values, r->cap * sizeof(uint32_t));
    }
    r->levels[0][r->n] = key;
    r->values[r->n++] = value;
}

/* Keys come in order; the last word on one counts. */
static void
put_key(struct ranges *r, uint64_t key, uint32_t value)
{
    if (r->n && r->levels[0][r->n - 1] == key)
        r->values[r->n - 1] = value;
    else
        push(r, key, value);
}

struct writer {
    struct prefix_table *table;
    struct ranges *ranges;
    uint64_t start_high, start_low; /* of what is not written yet */
    uint32_t value;
    uint32_t written; /* the value that holds at the end of what is written */
    bool in_section;  /* of the upper half `section` */
    uint64_t section;
};

static void
push_section(struct prefix_table *t)
{
    if (t->n_sections == t->cap_sections) {
        t->cap_sections = grown(t->cap_sections);
        t->sections = resize(t->sections, t->cap_sections * sizeof(uint32_t));
    }
    must(t->low.n < SECTION && t->n_sections < SECTION);
    t->sections[t->n_sections++] = (uint32_t)t->low.n;
}

static void
leave_section(struct writer *w)
{
    if (w->in_section && w->section != UINT64_MAX)
        put_key(w->ranges, w->section + 1, w->written);
    w->in_section = false;
}

static void
enter_section(struct writer *w, uint64_t high)
{
    put_key(w->ranges, high, SECTION | (uint32_t)w->table->n_sections);
    push_section(w->table);
    push(&w->table->low, 0, w->written);
    w->in_section = true;
    w->section = high;
}

static void
flush(struct writer *w)
{
    if (w->ranges->n && w->value == w->written)
        return;
    if (w->in_section && w->section != w->start_high)
        leave_section(w);
    if (w->start_low && !w->in_section)
        enter_section(w, w->start_high);
    if (w->in_section)
        push(&w->table->low, w->start_low, w->value);
    else
        put_key(w->ranges, w->start_high, w->value);
    w->written = w->value;
}

/* From there on that value holds. */
static void
emit(struct writer *w, uint64_t high, uint64_t low, uint32_t value)
{
    if (high != w->start_high || low != w->start_low)
        flush(w);
    w->start_high = high;
    w->start_low = low;
    w->value = value;
}

/* --- from nested prefixes to ranges --- */

struct open_prefix {
    struct prefix_bits prefix;
    uint32_t value;
};

struct nest {
    struct open_prefix v[DEPTH_MAX];
    unsigned n;
};

static uint32_t
outer_value(const struct nest *nest, unsigned n)
{
    return n ? nest->v[n - 1].value : PREFIX_NONE;
}

/* What a prefix of that value says within one of the other. */
static uint32_t
combine(enum prefix_rule rule, uint32_t outer, uint32_t value)
{
    if (value == PREFIX_NONE)
        return outer;
    if (outer == PREFIX_NONE || rule == PREFIX_LONGEST)
        return value;
    return (rule == PREFIX_LEAST_VALUE) == (value < outer) ? value : outer;
}

static void
close_one(struct nest *nest, struct writer *w)
{
    struct prefix_bits after = prefix_bits_end(&nest->v[--nest->n].prefix);
    if (step_over(&after))
        emit(w, after.high, after.low, outer_value(nest, nest->n));
}

static void
open_one(struct nest *nest, struct writer *w, const struct prefix_entry *e, enum prefix_rule rule)
{
    struct open_prefix *top = nest->n ? &nest->v[nest->n - 1] : NULL;
    bool again = top && top->prefix.length == e->prefix.length;
    if (!again) {
        top = &nest->v[nest->n++];
        *top = (struct open_prefix){ e->prefix, outer_value(nest, nest->n - 1) };
    }
    uint32_t inner = again && rule != PREFIX_LONGEST ? top->value : outer_value(nest, nest->n - 1);
    top->value = combine(rule, inner, e->value);
    emit(w, e->prefix.high, e->prefix.low, top->value);
}

static void
write_ranges(struct writer *w, const struct prefix_entry *entries, size_t n, enum prefix_rule rule)
{
    struct nest nest = { .n = 0 };
    w->value = PREFIX_NONE;
    for (size_t i = 0; i < n; i++) {
        while (nest.n && !prefix_bits_covers(&nest.v[nest.n - 1].prefix, &entries[i].prefix))
            close_one(&nest, w);
        open_one(&nest, w, &entries[i], rule);
    }
    while (nest.n)
        close_one(&nest, w);
    flush(w);
    leave_section(w);
}

/* --- building --- */

static int
compare(const void *left, const void *right)
{
    const struct prefix_entry *a = left, *b = right;
    if (a->prefix.v4 != b->prefix.v4)
        return a->prefix.v4 ? -1 : 1;
    int by_start = compare_ends(&a->prefix, &b->prefix);
    if (by_start)
        return by_start;
    if (a->prefix.length != b->prefix.length)
        return a->prefix.length < b->prefix.length ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* Long lists are mostly kept in order. */
static void
sort(struct prefix_builder *b)
{
    size_t i = 1;
    while (i < b->n && compare(&b->entries[i - 1], &b->entries[i]) < 0)
        i++;
    if (i < b->n)
        qsort(b->entries, b->n, sizeof *b->entries, compare);
}

/* To its last place. Large ones lie in huge pages, where the system has them: a look-up that misses
 * the cache does not have to walk the page tables as well. */
static void *
settle(void *p, size_t size)
{
    const size_t page = 2 << 20;
    if (size < page)
        return resize(p, size);
    void *new = aligned_alloc(page, (size + page - 1) / page * page);
    must(new != NULL);
    (void)madvise(new, size, MADV_HUGEPAGE);
    memcpy(new, p, size);
    free(p);
    return new;
}

static void
add_levels(struct ranges *r)
{
    if (r->n == 0)
        return;
    r->levels[0] = settle(r->levels[0], r->n * sizeof(uint64_t));
    r->values = settle(r->values, r->n * sizeof(uint32_t));
    for (unsigned k = 1; k < LEVELS; k++) {
        size_t step = (size_t)1 << (k * FANOUT_BITS), n = (r->n + step - 1) / step;
        if (n < 2)
            return;
        r->levels[k] = resize(NULL, n * sizeof(uint64_t));
        for (size_t i = 0; i < n; i++)
            r->levels[k][i] = r->levels[0][i * step];
    }
}

struct prefix_table *
prefix_table_build(struct prefix_builder *b, enum prefix_rule rule)
{
    size_t n_v4 = 0;
    struct prefix_table *t = calloc(1, sizeof *t);
    must(t != NULL);
    t->holds = 1;
    sort(b);
    while (n_v4 < b->n && b->entries[n_v4].prefix.v4)
        n_v4++;
    struct writer v4 = { .table = t, .ranges = &t->v4 }, v6 = { .table = t, .ranges = &t->high };
    if (n_v4)
        write_ranges(&v4, b->entries, n_v4, rule);
    if (b->n > n_v4)
        write_ranges(&v6, b->entries + n_v4, b->n - n_v4, rule);
    push_section(t); /* the end of the last */
    add_levels(&t->v4);
    add_levels(&t->high);
    add_levels(&t->low);
    prefix_builder_fini(b);
    return t;
}

void
prefix_table_hold(struct prefix_table *t)
{
    atomic_fetch_add(&t->holds, 1);
}

static void
free_ranges(struct ranges *r)
{
    for (unsigned k = 0; k < LEVELS; k++)
        free(r->levels[k]);
    free(r->values);
}

bool
prefix_table_drop(struct prefix_table *t)
{
    if (atomic_fetch_sub(&t->holds, 1) > 1)
        return false;
    free_ranges(&t->v4);
    free_ranges(&t->high);
    free_ranges(&t->low);
    free(t->sections);
    free(t);
    return true;
}

/* --- looking up --- */

/* The last of the keys from `from` to before `to` that is not above; the first is not. */
static size_t
seek(const struct ranges *r, size_t from, size_t to, uint64_t key)
{
    unsigned k = 0;
    while (k + 1 < LEVELS && (to - from) >> ((k + 1) * FANOUT_BITS))
        k++;
    for (;; k--) {
        unsigned shift = k * FANOUT_BITS;
        size_t first = (from >> shift) + 1, last = (to - 1) >> shift, i = first;
        const uint64_t *samples = r->levels[k];
        while (i <= last && samples[i] <= key)
            i++;
        if (i > first)
            from = (i - 1) << shift;
        if (i <= last)
            to = i << shift;
        if (k == 1) { /* what is needed next is far away: all of it at once */
            __builtin_prefetch(&r->levels[0][from + 8]);
            __builtin_prefetch(&r->values[from]);
        }
        if (k == 0)
            return from;
    }
}

uint32_t
prefix_table_find(const struct prefix_table *t, const struct prefix_bits *address)
{
    const struct ranges *r = address->v4 ? &t->v4 : &t->high;
    if (r->n == 0)
        return PREFIX_NONE;
    uint32_t value = r->values[seek(r, 0, r->n, address->high)];
    if (!(value & SECTION))
        return value;
    const uint32_t *section = &t->sections[value & ~SECTION];
    return t->low.values[seek(&t->low, section[0], section[1], address->low)];
}

static size_t
ranges_size(const struct ranges *r)
{
    size_t n = r->n * (sizeof(uint64_t) + sizeof(uint32_t));
    for (unsigned k = 1; k < LEVELS; k++)
        if (r->levels[k])
            n += ((r->n >> (k * FANOUT_BITS)) + 1) * sizeof(uint64_t);
    return n;
}

size_t
prefix_table_size(const struct prefix_table *t)
{
    return sizeof *t + ranges_size(&t->v4) + ranges_size(&t->high) + ranges_size(&t->low) +
           t->cap_sections * sizeof(uint32_t);
}
