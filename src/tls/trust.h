/* Inside the room: whom a context believes. */
#pragma once

#include "tls/context.h"

/* Sets verification, authorities, revocations and announced names. False: p says what is wrong. */
bool tls_trust(SSL_CTX *ctx, const struct tls_profile *profile, struct tls_problem *p);
