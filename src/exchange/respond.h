/* Sending the response: header filters, the head, the pulled body. */
#pragma once

#include "exchange/exchange.h"

/* Runs the location's header filters. False when one of them refused the response: the error page
 * of x->refused is to answer. */
bool respond_filter(struct exchange *x);
/* Sends x->response by x->codec. What breaks off in between sets x->aborted. */
void respond(struct exchange *x);
