/* What a value is made of in the end: through set, map, and the groups of regular expressions.
 * Private to the lint room. */
#pragma once

#include "lint/lint.h"

/* What is asked of a value. */
struct flow {
    /* Is a variable of nginx's own such a source? */
    bool (*variable)(struct str name);
    /* Does what this part of a regular expression matches in a source matter? */
    bool (*group)(struct str pattern);
    /* What clients ask for is not theirs to choose here: an internal location. */
    bool path_is_ours;
    /* As group, where a domain follows (".svc.cluster.local"); NULL: the same. */
    bool (*label)(struct str pattern);
};

/* May the text, which stands in that directive, hold something of a source? */
bool flow_reaches(const struct node *node, struct str text, const struct flow *f);
/* The map that makes the variable; NULL when none does. */
const struct node *flow_map(const struct node *anywhere, struct str variable);
/* The regular expression of "~…" and "~*…", and of an if; STR_NONE when it is none. */
struct str flow_pattern(struct str word);
struct str flow_condition(const struct node *node);
