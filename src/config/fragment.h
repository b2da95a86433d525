/* A configuration that begins with server, upstream or map is read as if it stood inside http.
 * Private to the config room. */
#pragma once

#include "config/rows.h"

/* root itself, or, when its top level has neither events nor http nor stream but a directive that
 * belongs in http, a root whose http block holds all but what belongs in main. */
const struct node *fragment_wrap(struct compile *c, const struct node *root);
