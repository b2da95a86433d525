/* "Did you mean": the nearest known name. Private to the config room. */
#pragma once

#include "config/directive.h"

/* The directive nearest to a misspelt one; those that may stand in the contexts come first.
 * STR_NONE when nothing is near. */
struct str suggest_directive(const struct directive_set *const *sets, struct str name,
                             unsigned contexts);
/* The choice nearest to a misspelt one; STR_NONE when nothing is near. */
struct str suggest_choice(const struct choice *choices, struct str text);
