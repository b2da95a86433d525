/* The condition of an `if`: a variable alone, a comparison, a regular expression, a look at a file.
 */
#pragma once

#include "exchange/values/regex.h"
#include "exchange/values/template.h"

struct condition;

/* Words 1 to n of the setting, parentheses and all. NULL: malformed, reported. */
const struct condition *condition_compile(struct setting *s);
bool condition_holds(const struct condition *c, struct exchange *x);
