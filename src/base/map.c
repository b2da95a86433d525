/* Linear probing at a load of at most one half. */
#include "base/map.h"

#include "base/must.h"

static uint64_t
hash_of(const struct map *m, struct str key)
{
    return m->nocase ? str_hash_nocase(key) : str_hash(key);
}

static struct map_entry *
probe(const struct map *m, struct str key, uint64_t hash)
{
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_entry *e = &m->entries[i];
        if (e->key.p == NULL)
            return e;
        if (e->hash == hash && (m->nocase ? str_eq_nocase(e->key, key) : str_eq(e->key, key)))
            return e;
    }
}

static void
grow(struct map *m)
{
    struct map_entry *old = m->entries;
    size_t old_cap = m->cap;
    m->cap = old_cap ? old_cap * 2 : 8;
    m->entries = arena_array(m->arena, struct map_entry, m->cap);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].key.p)
            *probe(m, old[i].key, old[i].hash) = old[i];
}

void
map_init(struct map *m, struct arena *a, bool nocase)
{
    *m = (struct map){ .arena = a, .nocase = nocase };
}

void *
map_put(struct map *m, struct str key, void *value)
{
    must(key.p != NULL);
    if ((m->n + 1) * 2 > m->cap)
        grow(m);
    uint64_t hash = hash_of(m, key);
    struct map_entry *e = probe(m, key, hash);
    void *before = e->key.p ? e->value : NULL;
    m->n += e->key.p == NULL;
    *e = (struct map_entry){ key, value, hash };
    return before;
}

void *
map_try(const struct map *m, struct str key)
{
    if (m->n == 0 || key.p == NULL)
        return NULL;
    struct map_entry *e = probe(m, key, hash_of(m, key));
    return e->key.p ? e->value : NULL;
}

struct map_entry *
map_next(const struct map *m, const struct map_entry *after)
{
    for (size_t i = after ? (size_t)(after - m->entries) + 1 : 0; i < m->cap; i++)
        if (m->entries[i].key.p)
            return &m->entries[i];
    return NULL;
}

struct str
map_nearest(const struct map *m, struct str name, size_t edits)
{
    struct str best = STR_NONE;
    for (struct map_entry *e = map_next(m, NULL); e; e = map_next(m, e)) {
        size_t distance = str_distance(name, e->key, edits);
        if (distance > edits || (distance == edits && best.p && str_compare(e->key, best) >= 0))
            continue;
        best = e->key;
        edits = distance;
    }
    return best;
}
