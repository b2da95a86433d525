/* TLS on a client's connection, before any protocol begins. */
#pragma once

#include "exchange/hosts/location.h"
#include "front/connection.h"

/* Shakes hands, on the connection's fiber, for a listen address with TLS. True when the connection
 * can go on: with TLS, or without it for a client that speaks plainly and is to be told (497).
 * False: it was released. */
bool connection_shake_hands(struct connection *c, const struct listen_address *l);
