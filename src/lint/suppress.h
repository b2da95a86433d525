/* Comments that tell lint to be quiet. Private to the lint room. */
#pragma once

#include "config/diag.h"

/* Does "# usher-lint: disable=RULE[,RULE]" stand in the place's line, alone in the line before, or
 * in the comments that the file begins with? "all" is every rule. */
bool is_suppressed(const struct span *at, struct str rule);
