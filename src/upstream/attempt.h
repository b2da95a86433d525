/* What balancers may ask of an attempt. */
#pragma once

#include "upstream/upstream.h"

/* True when the peer is up, has room, and was not tried by this attempt yet. */
bool attempt_may(const struct attempt *a, const struct peer *p);
