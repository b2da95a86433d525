/* Header and trailer fields: one array in an arena, in the order they came, with a small id for
 * known names (RFC 9110 5). Views point into the buffer the head was read into, or into the arena.
 */
#pragma once

#include "base/arena.h"

/* Known names, by id. HEADER_OTHER is any other name. Sorted list lives in header_names.def:
 * X(HEADER_HOST, "Host"), … */
enum header {
    HEADER_OTHER,
#define X(id, name) id,
#include "http/header_names.def"
#undef X
    HEADER_COUNT
};

struct field {
    struct str name, value; /* value without surrounding blanks; may be empty */
    enum header id;
};

struct fields {
    struct arena *arena;
    struct field *v;
    unsigned n, cap;
};

void fields_init(struct fields *f, struct arena *a);
/* Appends; name's id is looked up by the first form. */
struct field *fields_add(struct fields *f, struct str name, struct str value);
/* For codecs that have looked the id up already. */
struct field *fields_push(struct fields *f, struct str name, struct str value, enum header id);
struct field *fields_add_known(struct fields *f, enum header id, struct str value);
/* Replaces the first of that name and removes the others; appends when there is none. */
void fields_set(struct fields *f, enum header id, struct str value);
void fields_remove(struct fields *f, enum header id);
void fields_remove_named(struct fields *f, struct str name);
/* The first, or NULL. */
struct field *fields_find(const struct fields *f, enum header id);
struct field *fields_find_named(const struct fields *f, struct str name);
/* The first's value, or STR_NONE. */
struct str fields_value(const struct fields *f, enum header id);
/* All values of that name joined by ", " (or the given separator); STR_NONE when there is none. */
struct str fields_joined(const struct fields *f, struct str name, struct str separator,
                         struct arena *a);
/* nginx's variable spelling: name with '-' as '_' in any case ("http_user_agent" → "user_agent").
 * The first such field, or NULL. */
struct field *fields_find_variable(const struct fields *f, struct str underscored);

enum header header_id(struct str name);
struct str header_name(enum header id); /* canonical spelling */

/* Steps through the comma-separated elements of a list field (RFC 9110 5.6.1), quoted strings kept
 * whole: false at the end. Start with *rest = value. Empty elements are skipped. */
bool list_next(struct str *rest, struct str *element);
/* True when the list field's value holds the token, ignoring ASCII case. */
bool list_has_token(struct str value, struct str token);
