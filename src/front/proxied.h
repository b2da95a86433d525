/* The PROXY protocol header before a connection's first byte, where its address asks for one. */
#pragma once

#include "front/connection.h"

/* Takes the header, on the connection's fiber, until the deadline. False: there is none that could
 * be trusted; the connection has been released. */
bool connection_take_proxied(struct connection *c, uint64_t deadline);
