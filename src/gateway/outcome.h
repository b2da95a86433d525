/* What one try came to. Only the last one of an exchange becomes a fault of it. */
#pragma once

#include "gateway/gateway.h"

struct outcome {
    enum fault fault; /* FAULT_NONE: it went well so far */
    int error;        /* errno for the log, or 0 */
    const char *why;  /* the fault's particulars; NULL: its sentence says it all */
};

/* connect_peer.c: a connection to the peer that was picked, TLS and all; g->attempt.conn. fresh:
 * none that was used before. */
struct outcome gateway_connect(struct gateway *g, bool fresh);
