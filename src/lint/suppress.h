/* Comments that silence rules: "# usher-lint: disable=RULE,RULE". Private to the lint room. */
#pragma once

#include "lint/lint.h"

/* Is there a comment for that rule at that place? It has done its work then. */
bool is_suppressed(struct lint *l, const struct span *at, struct str rule);
