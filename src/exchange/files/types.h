/* The types block: content type by file name extension. */
#pragma once

#include "exchange/settings.h"

bool types_set(struct setting *s);
/* What holds without any types block. */
const struct map *types_default(struct arena *a);
/* The content type of a URI by its extension: from types, else default_type. */
struct str types_of(struct exchange *x, struct str uri);
