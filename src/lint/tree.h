/* Reading the syntax tree: names, arguments, what is in force, locations, variables in a text.
 * Private to the lint room. */
#pragma once

#include "lint/lint.h"

bool node_is(const struct node *node, const char *name);
/* One of several names, apart by blanks. */
bool node_is_any(const struct node *node, const char *names);
/* A block whose lines are data: map, types, geo. */
bool node_is_table(const struct node *node);
/* The i-th argument, from 1; STR_NONE when there is none. */
struct str node_arg(const struct node *node, unsigned i);
bool node_has_arg(const struct node *node, const char *text);
struct span node_span(const struct node *node);
struct span node_arg_span(const struct node *node, unsigned i);
/* The first directive of one of these names in a block, or after a directive; NULL when there is
 * none. */
const struct node *node_child(const struct node *block, const char *names);
const struct node *node_after(const struct node *node, const char *names);
/* What holds in a block: the first of these in it or in the nearest block around it. */
const struct node *node_in_force(const struct node *block, const char *names);
/* The next block or directive of that name beside the servers: in http or at the top. NULL for
 * `after` is the first. */
const struct node *node_global(const struct node *anywhere, const char *name,
                               const struct node *after);
/* "line 3", and of which file when it is not the one that is looked at. */
struct str node_place(struct lint *l, const struct node *node, const struct node *looked_at);
/* The nearest block of that name around a directive; NULL when there is none. */
const struct node *node_enclosing(const struct node *node, const char *name);

enum place_kind { PLACE_PREFIX, PLACE_FINAL, PLACE_EXACT, PLACE_REGEX, PLACE_NOCASE, PLACE_NAMED };

/* What a location matches. */
struct place {
    enum place_kind kind;
    struct str name;
    struct span span; /* of the name */
};

struct place place_of(const struct node *location);
bool place_is_regex(const struct place *p);
bool place_is_prefix(const struct place *p); /* ^~ or plain */

/* The next variable in a text, without its "$"; false at the end. */
bool next_variable(struct str *rest, struct str *name);
bool has_variable(struct str text, const char *names);
