/* Making sub-requests; for those who run them. */
#pragma once

#include "exchange/exchange.h"

/* An exchange with all that a sub-request has from its parent; flags as in subrequest_open. */
struct exchange *subrequest_make(struct exchange *parent, struct str uri, struct str args,
                                 unsigned flags);
/* A copy of its parent's variables. */
struct str *subrequest_copy_values(struct exchange *x);
/* Before it is closed, on its own fiber: what is left of its body goes, and it is logged. */
void subrequest_end(struct exchange *x);
