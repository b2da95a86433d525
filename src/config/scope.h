/* Applying one directive to a scope. Private to the config room. */
#pragma once

#include "config/rows.h"

/* Sets what the node says: makes the scope own its settings of the row's set, empties the field at
 * its first use here, and lets .set or the field's type read the words. */
bool scope_apply(struct scope *s, const struct node *node, struct row *row);
