/* Variables: $name by table; values are computed when first asked and cached per exchange unless
 * volatile. */
#pragma once

#include "base/map.h"
#include "exchange/exchange.h"

enum variable_flags {
    VARIABLE_VOLATILE = 1 << 0, /* computed at each use */
    VARIABLE_PREFIX = 1 << 1,   /* name is a prefix ("http_", "arg_"): get is told the rest */
    VARIABLE_SETTABLE = 1 << 2, /* set $args …, via .set */
};

struct variable {
    const char *name;
    /* False: the variable has no value ("-" in logs, empty elsewhere). *out lives as long as x.
     * rest: what follows a prefix, spelled as in the configuration, lower case; else STR_NONE. */
    bool (*get)(struct exchange *x, struct str rest, struct str *out);
    void (*set)(struct exchange *x, struct str value);
    unsigned flags;
    const char *help;
};

/* A use of a variable in a configuration, resolved at compile time. */
struct variable_ref {
    const struct variable *variable;
    struct str rest;
    int index; /* into x->values; -1 when volatile */
};

/* The table of a compile: core variables, the features' and those that directives define (set, map
 * …). */
struct variable_table {
    struct map names; /* name → struct variable * */
    struct map used;  /* name → struct variable_ref * */
    const struct variable **prefixes;
    unsigned n_prefixes;
    unsigned n_indexed; /* size of x->values */
};

void variable_table_init(struct variable_table *t, struct arena *a);
void variable_table_add(struct variable_table *t, const struct variable *list);
/* NULL when there is no such variable. */
const struct variable_ref *variable_use(struct variable_table *t, struct str name);
/* The value; false when it has none. */
bool variable_get(struct exchange *x, const struct variable_ref *ref, struct str *out);
/* Sets the cached value (regex named captures, set). */
void variable_store(struct exchange *x, const struct variable_ref *ref, struct str value);

/* exchange/variables.c, variables_upstream.c …: the core's tables. */
extern const struct variable core_variables[];
extern const struct variable upstream_variables[];
