/* Copies of a request that answer nobody: mirrors. */
#pragma once

#include "exchange/exchange.h"

/* A copy of x's request for that URI, flags as in subrequest_open, runs on a fiber of its own and
 * may outlive x. When too many do, it is dropped, which the log says. */
void copy_start(struct exchange *x, struct str uri, struct str args, unsigned flags);
/* x ends: its copies must do without its connection. */
void copy_forget_parent(struct exchange *x);
