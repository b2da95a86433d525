/* struct map: text → pointer, open addressing, in an arena. Built once, read often; growing leaves
 * the old table to the arena. Keys are not copied. Not for threads that write at once. */
#pragma once

#include "base/arena.h"

struct map_entry {
    struct str key;
    void *value;
    uint64_t hash;
};

struct map {
    struct arena *arena;
    struct map_entry *entries; /* cap of them, a power of two; key.p NULL is free */
    size_t n, cap;
    bool nocase;
};

void map_init(struct map *m, struct arena *a, bool nocase);
/* Adds, or replaces the value; returns the value that was there before, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
/* The value, or NULL. */
void *map_try(const struct map *m, struct str key);

/* for (struct map_entry *e = map_next(m, NULL); e; e = map_next(m, e)) — in no order */
struct map_entry *map_next(const struct map *m, const struct map_entry *after);
/* The key nearest in spelling, at most `edits` away; the first in the alphabet of several. STR_NONE
 * when none is near. Looks at every key. */
struct str map_nearest(const struct map *m, struct str name, size_t edits);
