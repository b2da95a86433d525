/* The certificates of a server, loaded when the configuration is compiled. */
#pragma once

#include "exchange/hosts/server.h"
#include "exchange/secure/ssl_settings.h"
#include "exchange/secure/tls_server.h"

/* Fills out's certificates or `named`. What its operator should know is told as warnings; one that
 * is broken is one too, unless `strict`, and marks out. `checked`: digests of those told of before.
 * False: an error was reported. */
bool server_certificates_load(struct compile *c, const struct server_build *server,
                              const struct ssl_settings *settings, struct map *checked,
                              struct tls_server *out);
