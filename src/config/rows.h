/* Looking directive rows up by name and context. Private to the config room. */
#pragma once

#include "config/compile.h"

struct row {
    struct row *next; /* the same name, in other contexts or sets */
    const struct directive *directive;
    const struct directive_set *set;
    unsigned set_index;
    struct row *field_owner; /* of the rows of one set that share a field, the first */
    uint64_t seen;           /* serial of the last scope it stood in */
    uint64_t emptied;        /* of a field owner: serial of the last scope that zeroed the field */
};

/* The rows of one set, in its order. */
struct set_rows {
    unsigned index;
    struct row *rows;
    unsigned n;
};

void rows_build(struct compile *c);
/* The row of a name in a context; NULL when there is none. */
struct row *rows_try(const struct compile *c, struct str name, enum context context);
/* The first of all rows with this name, in whatever context; NULL when the name is unknown. */
struct row *rows_any(const struct compile *c, struct str name);
const struct set_rows *rows_of_set(const struct compile *c, const struct directive_set *set);
/* "main, http, server" in b. */
void contexts_print(unsigned contexts, struct buf *b);
