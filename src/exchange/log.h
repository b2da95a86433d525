/* The error log's view of an exchange. The functions are declared in exchange/exchange.h, as
 * everybody needs them; this is for who writes about an exchange elsewhere. */
#pragma once

#include "base/buf.h"
#include "exchange/exchange.h"

/* nginx's suffix: ', client: …, server: …, request: "…", upstream: "…", host: "…",
 * referrer: "…"'. Control bytes become '?': no log line can be forged. */
void exchange_describe(const struct exchange *x, struct buf *b);
