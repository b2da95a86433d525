/* Who a client says it is, and how it would prove that (RFC 7617). */
#pragma once

#include "exchange/exchange.h"

/* User and password of Authorization: Basic. False: there are none, or the user has no name. */
bool credentials_basic(struct exchange *x, struct str *user, struct str *password);
