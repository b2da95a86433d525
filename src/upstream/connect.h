/* Opening and closing connections to peers: TCP, then TLS where it is asked for. */
#pragma once

#include "upstream/upstream.h"

/* A connection to that address, the lane's. NULL: *error, and o->problem. */
struct upstream_conn *connect_open(struct lane *l, const struct address *to,
                                   const struct connect_options *o, int *error);
/* Closes and frees. */
void connect_close(struct upstream_conn *c);
