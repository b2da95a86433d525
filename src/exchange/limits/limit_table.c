/* The block: its head, the stripes, then each stripe's buckets and cells. */
#include "exchange/limits/limit_table.h"

#include "base/must.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

enum {
    CELL = 64,
    TAIL = CELL - sizeof(uint32_t),
    STRIPES_MAX = 64,
    STRIPE_BYTES = 256 << 10,
    TURNS_MAX = 64
};

/* Cells are numbered from 1; 0 is none. */
struct limit_stripe {
    pthread_mutex_t lock;
    uint32_t *buckets;
    struct limit_entry *cells; /* cells[-1 + number] */
    uint32_t n_cells, mask;
    uint32_t touched; /* cells beyond were never used */
    uint32_t unused;  /* a list by `chained` */
    uint32_t newest, oldest;
} __attribute__((aligned(CELL)));

struct limit_table {
    uint64_t size;
    unsigned n_stripes;
    _Atomic unsigned held;
    struct limit_stripe stripes[];
};

/* What a long key has beyond its first cell. */
struct tail {
    uint32_t more;
    char bytes[TAIL];
};

_Static_assert(sizeof(struct limit_entry) == CELL && sizeof(struct tail) == CELL,
               "cells are 64 bytes");

static struct limit_entry *
cell(const struct limit_stripe *s, uint32_t number)
{
    return number ? &s->cells[number - 1] : NULL;
}

static struct tail *
tail(const struct limit_stripe *s, uint32_t number)
{
    return (struct tail *)cell(s, number);
}

static uint32_t
number_of(const struct limit_stripe *s, const struct limit_entry *e)
{
    return (uint32_t)(e - s->cells) + 1;
}

/* As many cells as fit beside one to two buckets for each. */
static void
lay_out(struct limit_stripe *s, char *from, size_t size)
{
    size_t n = size / (CELL + 2 * sizeof(uint32_t)), buckets = 1;
    while (buckets < n)
        buckets *= 2;
    s->cells = (struct limit_entry *)from;
    s->n_cells = (uint32_t)n;
    s->buckets = (uint32_t *)(from + n * CELL);
    s->mask = (uint32_t)buckets - 1;
    pthread_mutex_init(&s->lock, NULL);
}

struct limit_table *
limit_table_open(uint64_t size)
{
    if (size > (uint64_t)1 << 40) { /* numbers of cells have 32 bits */
        errno = ENOMEM;
        return NULL;
    }
    struct limit_table *t = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t == MAP_FAILED)
        return NULL;
    t->size = size;
    t->n_stripes = 1;
    while (t->n_stripes < STRIPES_MAX && size / t->n_stripes >= 2 * STRIPE_BYTES)
        t->n_stripes *= 2;
    char *from = (char *)&t->stripes[t->n_stripes];
    size_t each = (size - (size_t)(from - (char *)t)) / t->n_stripes / CELL * CELL;
    for (unsigned i = 0; i < t->n_stripes; i++)
        lay_out(&t->stripes[i], from + i * each, each);
    return t;
}

void
limit_table_close(struct limit_table *t)
{
    for (unsigned i = 0; i < t->n_stripes; i++)
        pthread_mutex_destroy(&t->stripes[i].lock);
    munmap(t, t->size);
}

_Atomic unsigned *
limit_table_held(struct limit_table *t)
{
    return &t->held;
}

struct limit_stripe *
limit_stripe_of(struct limit_table *t, uint64_t hash)
{
    return &t->stripes[(hash >> 56) & (t->n_stripes - 1)];
}

void
limit_stripe_lock(struct limit_stripe *s)
{
    pthread_mutex_lock(&s->lock);
}

void
limit_stripe_unlock(struct limit_stripe *s)
{
    pthread_mutex_unlock(&s->lock);
}

static bool
has_key(const struct limit_stripe *s, const struct limit_entry *e, struct str key)
{
    size_t n = key.n < sizeof e->key ? key.n : sizeof e->key;
    if (e->key_n != key.n || memcmp(e->key, key.p, n) != 0)
        return false;
    key = str_skip(key, n);
    for (uint32_t at = e->more; key.n; at = tail(s, at)->more) {
        n = key.n < TAIL ? key.n : TAIL;
        if (memcmp(tail(s, at)->bytes, key.p, n) != 0)
            return false;
        key = str_skip(key, n);
    }
    return true;
}

static void
unlink_use(struct limit_stripe *s, struct limit_entry *e)
{
    if (e->newer)
        cell(s, e->newer)->older = e->older;
    else
        s->newest = e->older;
    if (e->older)
        cell(s, e->older)->newer = e->newer;
    else
        s->oldest = e->newer;
}

static void
link_newest(struct limit_stripe *s, struct limit_entry *e)
{
    uint32_t number = number_of(s, e);
    e->newer = 0;
    e->older = s->newest;
    if (s->newest)
        cell(s, s->newest)->newer = number;
    else
        s->oldest = number;
    s->newest = number;
}

struct limit_entry *
limit_find(struct limit_stripe *s, uint64_t hash, struct str key)
{
    struct limit_entry *e = cell(s, s->buckets[hash & s->mask]);
    while (e && (e->hash != (uint32_t)hash || !has_key(s, e, key)))
        e = cell(s, e->chained);
    if (e)
        e->used = true;
    return e;
}

static uint32_t
take_cell(struct limit_stripe *s)
{
    uint32_t number = s->unused;
    if (number)
        s->unused = cell(s, number)->chained;
    else if (s->touched < s->n_cells)
        number = ++s->touched;
    return number;
}

static void
put_cell(struct limit_stripe *s, uint32_t number)
{
    cell(s, number)->chained = s->unused;
    s->unused = number;
}

static void
put_tails(struct limit_stripe *s, struct limit_entry *e)
{
    while (e->more) {
        uint32_t number = e->more;
        e->more = tail(s, number)->more;
        put_cell(s, number);
    }
}

/* What of the key lies beyond the first cell; false when there is no room. */
static bool
add_tails(struct limit_stripe *s, struct limit_entry *e, struct str rest)
{
    uint32_t *at = &e->more;
    for (; rest.n; rest = str_skip(rest, rest.n < TAIL ? rest.n : TAIL)) {
        uint32_t number = take_cell(s);
        if (number == 0)
            return false;
        struct tail *t = tail(s, number);
        t->more = 0;
        memcpy(t->bytes, rest.p, rest.n < TAIL ? rest.n : TAIL);
        *at = number;
        at = &t->more;
    }
    return true;
}

struct limit_entry *
limit_add(struct limit_stripe *s, uint64_t hash, struct str key)
{
    must(key.n <= LIMIT_KEY_MAX);
    uint32_t number = take_cell(s), *bucket = &s->buckets[hash & s->mask];
    if (number == 0)
        return NULL;
    struct limit_entry *e = cell(s, number);
    size_t n = key.n < sizeof e->key ? key.n : sizeof e->key;
    *e = (struct limit_entry){ .hash = (uint32_t)hash, .key_n = (uint16_t)key.n, .fresh = true };
    memcpy(e->key, key.p, n);
    if (!add_tails(s, e, str_skip(key, n))) {
        put_tails(s, e);
        put_cell(s, number);
        return NULL;
    }
    e->chained = *bucket;
    *bucket = number;
    link_newest(s, e);
    return e;
}

/* Whoever was looked for gets another turn, when this one ends: to move it at each look-up would
 * touch its neighbours, two more lines of cache. */
struct limit_entry *
limit_oldest(struct limit_stripe *s)
{
    struct limit_entry *e = cell(s, s->oldest);
    for (unsigned i = 0; i < TURNS_MAX && e && e->used; i++) {
        e->used = false;
        unlink_use(s, e);
        link_newest(s, e);
        e = cell(s, s->oldest);
    }
    return e;
}

/* The place in its chain that names it. */
static uint32_t *
place_of(struct limit_stripe *s, const struct limit_entry *e)
{
    uint32_t number = number_of(s, e);
    uint32_t *at = &s->buckets[e->hash & s->mask];
    while (*at != number)
        at = &cell(s, *at)->chained;
    return at;
}

void
limit_remove(struct limit_stripe *s, struct limit_entry *e)
{
    *place_of(s, e) = e->chained;
    unlink_use(s, e);
    put_tails(s, e);
    put_cell(s, number_of(s, e));
}
