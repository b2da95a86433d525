/* Sending the response: header filters, the head, the pulled body. */
#pragma once

#include "exchange/exchange.h"

/* Sends x->response by x->codec. What breaks off in between sets x->aborted. */
void respond(struct exchange *x);
