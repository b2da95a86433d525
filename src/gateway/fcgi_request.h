/* The request as FastCGI says it: fastcgi_param's parameters and the client's fields as HTTP_*. */
#pragma once

#include "gateway/fcgi_client.h"

void fcgi_write_request(struct gateway *g, const struct fcgi_settings *my, struct buf *b);
