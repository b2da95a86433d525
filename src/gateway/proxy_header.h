/* The PROXY protocol towards backends. */
#pragma once

#include "gateway/gateway.h"

/* The header of the exchange's client, in its arena; by the settings' version. */
struct str gateway_proxy_header(struct gateway *g);
