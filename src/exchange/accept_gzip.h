/* May this client have a response in gzip? The rules of gzip_http_version, gzip_proxied and
 * gzip_disable, for whoever compresses (gzip), has it compressed (gzip_static) or would have to
 * take it apart (gunzip); and gzip_vary. */
#pragma once

#include "config/compile.h"
#include "exchange/exchange.h"

struct gzip_settings {
    bool vary;
    unsigned http_version; /* enum version */
    unsigned proxied;      /* enum gzip_proxied bits, in accept_gzip.c */
    struct gzip_disable *disable;
};

extern const struct directive_set gzip_directives;

/* By the request, and with gzip_proxied by the response's head as it is now. */
bool accept_gzip(const struct exchange *x);
/* Adds "Vary: Accept-Encoding" where gzip_vary is on, once for each response: to be called whether
 * this client accepts it or not. */
void accept_gzip_vary(struct exchange *x);
