/* The types block: content type by file name extension. */
#pragma once

#include "exchange/settings.h"

bool types_set(struct setting *s);
/* The content type of a file name: from types, else default_type. */
struct str types_of(struct exchange *x, struct str path);
