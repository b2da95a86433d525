/* All directive sets of the program: the rooms' and every feature's. */
#pragma once

#include "config/directive.h"

/* Ends with NULL. */
const struct directive_set *const *registry_sets(void);
