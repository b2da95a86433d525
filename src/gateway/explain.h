/* usher explain: nothing is asked, and nothing is resolved. Private to the gateway. */
#pragma once

#include "gateway/gateway.h"

/* Tells whom the request would go to, and its head. DONE with an answer as the backend might give.
 */
enum verdict gateway_explain(struct gateway *g);
