/* Location blocks while they are compiled. */
#pragma once

#include "exchange/hosts/location.h"

bool location_open(struct setting *s);
/* The block of an `if` in a location: its scope, run, and what it makes of the location. */
struct scope *location_open_if(struct scope *outer, const struct node *node, struct location **out);
/* The block of limit_except, for all methods but those (bits by enum method). */
void location_open_except(struct scope *outer, const struct node *node, uint32_t methods);
/* The server block's own settings as the location of last resort. */
void location_build_root(struct scope *s, struct virtual_server *server);
/* After the nested blocks: the set for look-up, the handlers. */
void location_build_finish(struct location *l, struct arena *a);
