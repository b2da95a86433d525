/* What the start of an exchange is in every version of HTTP, once its head is in x->request: host,
 * server, path. What is refused becomes the exchange's failure. */
#pragma once

#include "exchange/hosts/location.h"

/* Until more is known, the address's default server's. */
void start_init(struct exchange *x, const struct listen_address *l);
void start_refuse(struct exchange *x, enum fault fault, const char *why);
/* $host and the server. False: refused. */
bool start_choose_server(struct exchange *x, const struct listen_address *l);
/* The path, and whether the client may ask for it here. */
void start_path(struct exchange *x);
