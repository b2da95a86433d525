/* What nginx has and usher has not. Private to the config room. */
#pragma once

#include "base/str.h"

/* The module of nginx, or the add-on, that owns a directive which no row has; NULL when none
 * does. */
const char *foreign_module(struct str name);
