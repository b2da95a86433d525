/* Byte ranges (RFC 9110 14) and validators (RFC 9110 8.8, 13): pure judgements. */
#pragma once

#include "base/arena.h"

#include <time.h>

struct range {
    uint64_t from, to; /* to is exclusive */
};

struct ranges {
    struct range *v;
    unsigned n;
};

enum range_outcome {
    RANGE_NONE,          /* not bytes, or more than `most`: the whole representation */
    RANGE_PARTIAL,       /* 206 with *out */
    RANGE_UNSATISFIABLE, /* 416: none satisfiable, or malformed (as nginx has it) */
};

/* most: max_ranges; ranges that together exceed the size are treated as none, as nginx does. */
enum range_outcome range_parse(struct str value, uint64_t size, unsigned most, struct arena *a,
                               struct ranges *out);

/* Does the list in If-Match / If-None-Match hold the tag ("*" holds any)? weak: weak comparison. */
bool etag_list_has(struct str list, struct str etag, bool weak);
