/* Location blocks while they are compiled. */
#pragma once

#include "exchange/hosts/location.h"

bool location_open(struct setting *s);
/* The server block's own settings as the location of last resort. */
void location_build_root(struct scope *s, struct virtual_server *server);
/* After the nested blocks: the set for look-up, the handlers. */
void location_build_finish(struct location *l, struct arena *a);
