/* A client of OpenSSL's own whose bytes are carried by hand over a plain conn. */
#pragma once

#include "net/conn.h"

#include <openssl/ssl.h>

SSL *hand_open(SSL_CTX *ctx, const char *name, SSL_SESSION *session);
/* What it has to say goes to the conn. */
void hand_out(SSL *ssl, struct conn *c);
/* What the conn brings goes to it; false at the end of the stream. */
bool hand_in(SSL *ssl, struct conn *c);
/* Until it is done; false when it cannot be. */
bool hand_shake(SSL *ssl, struct conn *c);
