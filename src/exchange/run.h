/* The halves of exchange_run, for who answers a request otherwise than to its client. */
#pragma once

#include "exchange/exchange.h"

/* The phases and the header filters: true when x->response is there to be sent. */
bool exchange_prepare(struct exchange *x);
/* Its lines in the logs. */
void exchange_report(struct exchange *x);
