/* The locations of one level (a server's, or those nested in a location), ready for look-up. */
#pragma once

#include "exchange/hosts/location.h"
#include "exchange/values/regex.h"

struct prefix_entry {
    uint64_t
        head; /* the name's first eight bytes, as a big-endian number: most comparisons end here */
    struct str name;
    struct location *location;
    int enclosing; /* index of the longest other prefix that begins this one, or -1 */
};

struct location_set {
    struct map exact;              /* uri → location */
    struct map slashless;          /* "/api" → location "/api/" that proxies */
    struct prefix_entry *prefixes; /* sorted by name */
    unsigned n_prefixes;
    struct location **regexes; /* in the order of the text */
    unsigned n_regexes;
};

/* list: n locations of one level, in the order of the text. */
struct location_set *location_set_build(struct arena *a, struct location **list, unsigned n);
/* The longest prefix location of uri, or NULL. */
struct location *location_set_longest(const struct location_set *set, struct str uri);
