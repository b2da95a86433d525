/* Copies of a request that answer nobody: mirrors, and what comes after a response. */
#pragma once

#include "exchange/exchange.h"

/* A copy of x's request for that URI, flags as in subrequest_open, runs on a fiber of its own,
 * later in the turn, and may outlive x. NULL: too many do, which the log says. */
struct exchange *copy_start(struct exchange *x, struct str uri, struct str args, unsigned flags);
/* x ends: its copies must do without its connection. */
void copy_forget_parent(struct exchange *x);
