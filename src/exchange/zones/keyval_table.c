/* A hash table of pairs. Networks and prefixes are sought length by length, longest first; which
 * lengths there are is counted. */
#include "exchange/zones/keyval_table.h"

#include "base/must.h"
#include "net/prefix.h"

#include <stdlib.h>

enum { CLASS_IPV6 = 33, CLASS_RANGE = 162, IP_BYTES = 18, COST = 128 };

/* What a key is sought by. */
struct match {
    unsigned class;
    struct str bytes;
    unsigned char room[2 * IP_BYTES];
};

struct keyval_entry {
    struct keyval_entry *next, *next_range;
    uint64_t hash, expires_ms;
    unsigned class;
    struct str match, key, value;
    char text[];
};

void
keyval_table_init(struct keyval_table *t, enum keyval_type type, uint64_t size)
{
    *t = (struct keyval_table){ .type = type, .size = size, .cap = 64 };
    t->slots = calloc(t->cap, sizeof *t->slots);
    must(t->slots != NULL);
}

/* --- what a key is --- */

static unsigned
put_network(unsigned char *at, const struct prefix *p)
{
    at[0] = (unsigned char)p->family;
    at[1] = p->bits;
    memcpy(at + 2, p->bytes, sizeof p->bytes);
    return p->bits + (p->family == AF_INET6 ? CLASS_IPV6 : 0);
}

static bool
parse_network(struct str text, struct prefix *p)
{
    return prefix_parse(text, p) != PREFIX_BAD && p->family != AF_UNIX;
}

static bool
parse_address(struct str text, struct prefix *p)
{
    return parse_network(text, p) && p->bits == (p->family == AF_INET ? 32 : 128);
}

static bool
match_range(struct str text, struct match *m)
{
    struct prefix first, last;
    struct str from = str_trim(str_cut(&text, '-'));
    if (!parse_address(from, &first) || !parse_address(str_trim(text), &last))
        return false;
    if (first.family != last.family || memcmp(first.bytes, last.bytes, sizeof last.bytes) > 0)
        return false;
    put_network(m->room, &first);
    put_network(m->room + IP_BYTES, &last);
    m->class = CLASS_RANGE;
    m->bytes = (struct str){ (char *)m->room, 2 * IP_BYTES };
    return true;
}

static bool
match_ip(struct str text, struct match *m)
{
    struct prefix p;
    if (str_find(text, '-') >= 0)
        return match_range(text, m);
    if (!parse_network(text, &p))
        return false;
    m->class = put_network(m->room, &p);
    m->bytes = (struct str){ (char *)m->room, IP_BYTES };
    return true;
}

static bool
match_key(const struct keyval_table *t, struct str key, struct match *m)
{
    if (t->type == KEYVAL_IP)
        return match_ip(key, m);
    m->class = t->type == KEYVAL_PREFIX ? (unsigned)key.n : 0;
    m->bytes = key.p ? key : STR("");
    return key.n <= KEYVAL_KEY_MAX;
}

/* --- finding --- */

static struct keyval_entry **
place(const struct keyval_table *t, unsigned class, struct str bytes)
{
    uint64_t hash = str_hash(bytes);
    struct keyval_entry **at = &t->slots[hash & (t->cap - 1)];
    while (*at && ((*at)->hash != hash || (*at)->class != class || !str_eq((*at)->match, bytes)))
        at = &(*at)->next;
    return at;
}

static bool
is_alive(const struct keyval_entry *e, uint64_t now_ms)
{
    return e && (e->expires_ms == 0 || e->expires_ms > now_ms);
}

static const struct keyval_entry *
find_alive(const struct keyval_table *t, unsigned class, struct str bytes, uint64_t now_ms)
{
    const struct keyval_entry *e = t->classes[class] ? *place(t, class, bytes) : NULL;
    return is_alive(e, now_ms) ? e : NULL;
}

static const struct keyval_entry *
find_prefix(const struct keyval_table *t, struct str key, uint64_t now_ms)
{
    const struct keyval_entry *e = NULL;
    unsigned n = key.n < KEYVAL_KEY_MAX ? (unsigned)key.n : KEYVAL_KEY_MAX;
    for (unsigned left = n + 1; e == NULL && left > 0; left--)
        e = find_alive(t, left - 1, str_head(key, left - 1), now_ms);
    return e;
}

/* Clears the bit behind the prefix's new end. */
static void
shorten(struct prefix *p)
{
    p->bits--;
    p->bytes[p->bits / 8] &= (unsigned char)~(0x80 >> p->bits % 8);
}

static bool
is_within(const struct keyval_entry *range, const unsigned char *address)
{
    const unsigned char *first = (const unsigned char *)range->match.p, *last = first + IP_BYTES;
    return first[0] == address[0] && memcmp(first + 2, address + 2, IP_BYTES - 2) <= 0 &&
           memcmp(last + 2, address + 2, IP_BYTES - 2) >= 0;
}

/* Does the second hold the first? */
static bool
is_narrower(const struct keyval_entry *a, const struct keyval_entry *b)
{
    const unsigned char *first = (const unsigned char *)a->match.p;
    return b == NULL || (is_within(b, first) && is_within(b, first + IP_BYTES));
}

static const struct keyval_entry *
find_range(const struct keyval_table *t, const unsigned char *address, uint64_t now_ms)
{
    const struct keyval_entry *best = NULL;
    for (const struct keyval_entry *e = t->ranges; e; e = e->next_range)
        if (is_alive(e, now_ms) && is_within(e, address) && is_narrower(e, best))
            best = e;
    return best;
}

static const struct keyval_entry *
find_ip(const struct keyval_table *t, struct str key, uint64_t now_ms)
{
    struct prefix p;
    unsigned char address[IP_BYTES], room[IP_BYTES];
    const struct str bytes = { (char *)room, IP_BYTES };
    if (!parse_address(key, &p))
        return NULL;
    put_network(address, &p);
    for (;;) {
        unsigned class = put_network(room, &p);
        const struct keyval_entry *e = find_alive(t, class, bytes, now_ms);
        if (e)
            return e;
        if (p.bits == 0)
            return find_range(t, address, now_ms);
        shorten(&p);
    }
}

struct str
keyval_table_find(const struct keyval_table *t, struct str key, uint64_t now_ms)
{
    const struct keyval_entry *e = NULL;
    switch (t->type) {
    case KEYVAL_STRING:
        e = find_alive(t, 0, key.p ? key : STR(""), now_ms);
        break;
    case KEYVAL_PREFIX:
        e = find_prefix(t, key.p ? key : STR(""), now_ms);
        break;
    case KEYVAL_IP:
        e = find_ip(t, key, now_ms);
        break;
    }
    return e ? e->value : STR_NONE;
}

/* --- changing --- */

static uint64_t
cost_of(size_t key, size_t value)
{
    return COST + key + value;
}

static void
take_out(struct keyval_table *t, struct keyval_entry **at)
{
    struct keyval_entry *e = *at, **range = &t->ranges;
    *at = e->next;
    while (e->class == CLASS_RANGE && t->type == KEYVAL_IP && *range != e)
        range = &(*range)->next_range;
    if (e->class == CLASS_RANGE && t->type == KEYVAL_IP)
        *range = e->next_range;
    t->classes[e->class]--;
    t->used -= cost_of(e->key.n, e->value.n);
    t->n--;
    free(e);
}

/* Those whose time is over. */
static void
sweep(struct keyval_table *t, uint64_t now_ms)
{
    for (size_t i = 0; i < t->cap; i++)
        for (struct keyval_entry **at = &t->slots[i]; *at;)
            if (is_alive(*at, now_ms))
                at = &(*at)->next;
            else
                take_out(t, at);
}

static void
grow(struct keyval_table *t)
{
    struct keyval_entry **old = t->slots;
    size_t old_cap = t->cap;
    t->cap *= 2;
    t->slots = calloc(t->cap, sizeof *t->slots);
    must(t->slots != NULL);
    for (size_t i = 0; i < old_cap; i++)
        for (struct keyval_entry *e = old[i], *next; e; e = next) {
            struct keyval_entry **slot = &t->slots[e->hash & (t->cap - 1)];
            next = e->next;
            e->next = *slot;
            *slot = e;
        }
    free(old);
}

static struct str
copy(char **at, struct str s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return (struct str){ p, s.n };
}

static void
insert(struct keyval_table *t, const struct match *m, struct str key, struct str value,
       uint64_t expires_ms)
{
    struct keyval_entry *e = malloc(sizeof *e + m->bytes.n + key.n + value.n);
    must(e != NULL);
    *e = (struct keyval_entry){ .hash = str_hash(m->bytes), .expires_ms = expires_ms };
    char *at = e->text;
    e->class = m->class;
    e->match = copy(&at, m->bytes);
    e->key = copy(&at, key);
    e->value = copy(&at, value);
    if (t->n++ == t->cap)
        grow(t);
    struct keyval_entry **slot = &t->slots[e->hash & (t->cap - 1)];
    e->next = *slot;
    *slot = e;
    if (t->type == KEYVAL_IP && e->class == CLASS_RANGE) {
        e->next_range = t->ranges;
        t->ranges = e;
    }
    t->classes[e->class]++;
    t->used += cost_of(key.n, value.n);
}

enum keyval_result
keyval_table_put(struct keyval_table *t, struct str key, struct str value, uint64_t expires_ms,
                 enum keyval_put how, uint64_t now_ms)
{
    struct match m;
    if (!match_key(t, key, &m))
        return KEYVAL_BAD;
    struct keyval_entry **at = place(t, m.class, m.bytes);
    bool there = is_alive(*at, now_ms);
    if (how == KEYVAL_PUT_NEW && there)
        return KEYVAL_EXISTS;
    if (how == KEYVAL_PUT_OLD && !there)
        return KEYVAL_ABSENT;
    uint64_t more = cost_of(key.n, value.n), less = *at ? cost_of((*at)->key.n, (*at)->value.n) : 0;
    if (t->used - less + more > t->size) {
        sweep(t, now_ms);
        at = place(t, m.class, m.bytes);
        less = *at ? less : 0;
    }
    if (t->used - less + more > t->size)
        return KEYVAL_FULL;
    if (*at)
        take_out(t, at);
    insert(t, &m, key, value, expires_ms);
    return KEYVAL_DONE;
}

enum keyval_result
keyval_table_remove(struct keyval_table *t, struct str key, uint64_t now_ms)
{
    struct match m;
    if (!match_key(t, key, &m))
        return KEYVAL_BAD;
    struct keyval_entry **at = place(t, m.class, m.bytes);
    bool there = is_alive(*at, now_ms);
    if (*at)
        take_out(t, at);
    return there ? KEYVAL_DONE : KEYVAL_ABSENT;
}

void
keyval_table_clear(struct keyval_table *t)
{
    for (size_t i = 0; i < t->cap; i++)
        while (t->slots[i])
            take_out(t, &t->slots[i]);
}

void
keyval_table_fini(struct keyval_table *t)
{
    keyval_table_clear(t);
    free(t->slots);
}

void
keyval_table_each(const struct keyval_table *t, keyval_fn *fn, void *arg, uint64_t now_ms)
{
    for (size_t i = 0; i < t->cap; i++)
        for (const struct keyval_entry *e = t->slots[i]; e; e = e->next)
            if (is_alive(e, now_ms))
                fn(arg, e->key, e->value, e->expires_ms);
}
