/* What a server that asks for client certificates makes of a request: once per request, when its
 * server is known (RFC 9110 15.5.20 for those that came by another server's handshake). */
#pragma once

#include "exchange/exchange.h"

/* PASS, or FAILED with 421, 495, 496, 497 prepared. */
enum verdict client_check(struct exchange *x);
