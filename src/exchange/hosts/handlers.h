/* The lists of handlers that a location or server runs: made once, when the configuration is
 * compiled. */
#pragma once

#include "exchange/snapshot.h"

void calls_of_location(struct scope *s, struct location *l);
void calls_of_server(struct scope *s, struct virtual_server *server);
