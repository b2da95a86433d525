/* memcached as a backend: a value by its key. */
#pragma once

#include "gateway/gateway.h"

struct memcached_settings {
    struct gateway_settings gateway; /* first */
    unsigned gzip_flag;              /* bits of flags that say so; 0: none */
};

/* The settings given to gateway_run are a struct memcached_settings's; the key is target.uri, as it
 * goes on the wire. */
extern const struct client_codec memcached_client_codec;
