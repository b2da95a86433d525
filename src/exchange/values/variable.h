/* Variables: $name by table; values are computed when first asked and cached per exchange unless
 * volatile. */
#pragma once

#include "base/map.h"
#include "config/compile.h"
#include "exchange/exchange.h"

enum variable_flags {
    VARIABLE_VOLATILE = 1 << 0, /* computed at each use */
    VARIABLE_PREFIX = 1 << 1,   /* name is a prefix ("http_", "arg_"): get is told the rest */
    VARIABLE_SETTABLE = 1 << 2, /* set $args …, via .set */
};

/* As the get of struct variable. */
typedef bool variable_compute(struct exchange *x, const void *data, struct str *out);

struct variable {
    const char *name;
    /* False: the variable has no value ("-" in logs, empty elsewhere). *out lives as long as x.
     * rest: what follows a prefix, spelled as in the configuration, lower case; else STR_NONE. */
    bool (*get)(struct exchange *x, struct str rest, struct str *out);
    void (*set)(struct exchange *x, struct str value);
    unsigned flags;
    const char *help;
    /* Instead of get, for variables that directives define (map, geo …); data is the row's own. */
    variable_compute *compute;
    const void *data;
};

/* A use of a variable in a configuration, resolved at compile time. */
struct variable_ref {
    const struct variable *variable; /* NULL while nothing defines it (it may come later) */
    struct str name;                 /* lower case: names are case-insensitive, as nginx's */
    struct str rest;
    int index; /* into x->values; -1 when volatile and never stored */
};

/* The table of a compile: core variables, the features' and those that directives define (set, map
 * …). */
struct variable_table {
    struct arena *arena;
    struct map names; /* name → struct variable * */
    struct map used;  /* name → struct variable_ref * */
    const struct variable **prefixes;
    unsigned n_prefixes;
    unsigned n_indexed; /* size of x->values, once the compile is over */
};

void variable_table_init(struct variable_table *t, struct arena *a);
/* list ends with a NULL name and lives as long as the table. */
void variable_table_add(struct variable_table *t, const struct variable *list);
/* All of the core's own: exchange/variables_*.c. */
void variable_table_add_core(struct variable_table *t);
/* NULL when there is no such variable (yet). */
const struct variable_ref *variable_use(struct variable_table *t, struct str name);
/* The same for a name that may be defined further down in the text: never NULL. Ask
 * variable_resolve from compile_defer; template_compile does. */
const struct variable_ref *variable_reserve(struct variable_table *t, struct str name);
/* The known name nearest to one that nothing defines; STR_NONE when none is near. */
struct str variable_suggest(const struct variable_table *t, struct str name);
/* False when nothing defines it. */
bool variable_resolve(struct variable_table *t, const struct variable_ref *ref);
/* A variable that directives store into (set, named captures): defined now unless it is there
 * already. NULL when a variable of that name exists that nobody may change ("the duplicate …
 * variable"). */
const struct variable_ref *variable_define(struct variable_table *t, struct str name);
/* The same; one that has a value by its prefix ($http_…) keeps that until another is stored. */
const struct variable_ref *variable_define_over(struct variable_table *t, struct str name);
/* A variable whose value is computed from data: flags 0 or VARIABLE_VOLATILE. `set` may change it
 * in an exchange; a later definition of the name takes the place of an earlier one. Reports at word
 * `word` and returns false when the name is not the configuration's to define. data lives as long
 * as the snapshot. */
bool variable_define_computed(struct setting *s, unsigned word, struct str name,
                              variable_compute *compute, const void *data, unsigned flags);

/* The value; false (and an empty *out) when it has none. */
bool variable_get(struct exchange *x, const struct variable_ref *ref, struct str *out);
/* The same by a name that comes with a request: lower case. What the configuration does not use is
 * computed at each call. */
bool variable_get_named(struct exchange *x, struct str name, struct str *out);
/* Sets the value: by .set, else in the cache (regex named captures, set). The bytes must live as
 * long as x. */
void variable_store(struct exchange *x, const struct variable_ref *ref, struct str value);

/* All of the core's tables; ends with NULL. */
extern const struct variable *const core_variables[];
/* They are split by meaning. */
extern const struct variable request_variables[];            /* variables_request.c */
extern const struct variable connection_variables[];         /* variables_connection.c */
extern const struct variable proxied_variables[];            /* variables_proxied.c */
extern const struct variable time_variables[];               /* variables_time.c */
extern const struct variable response_variables[];           /* variables_response.c */
extern const struct variable file_variables[];               /* variables_file.c */
extern const struct variable tls_variables[];                /* variables_tls.c */
extern const struct variable client_certificate_variables[]; /* variables_client_certificate.c */
extern const struct variable upstream_variables[];           /* variables_upstream.c */
