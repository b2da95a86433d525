/* OCSP of a server: responses for its certificates, questions about its clients'. */
#pragma once

#include "exchange/hosts/server.h"
#include "exchange/secure/ssl_settings.h"
#include "exchange/secure/tls_server.h"

/* After its certificates: fills out's staples and ocsp. Problems are reported. */
void server_ocsp_load(struct compile *c, const struct server_build *server,
                      const struct ssl_settings *settings, struct tls_server *out);
void server_ocsp_drop(struct tls_server *t);
