/* "Did you mean": the nearest known name. Private to the config room. */
#pragma once

#include "config/compile.h"

/* The directive nearest to a misspelt one; those that may stand in the context come first. STR_NONE
 * when nothing is near. */
struct str suggest_directive(const struct compile *c, struct str name, enum context context);
/* The choice nearest to a misspelt one; STR_NONE when nothing is near. */
struct str suggest_choice(const struct choice *choices, struct str text);
