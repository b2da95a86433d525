/* From PEM to the parts of a certificate, by the fastest way that OpenSSL has for what is common
 * (EC and RSA keys) and by its ordinary one for all else and for what is wrong. */
#pragma once

#include "tls/certificate.h"

/* Fills facts, chain, key and dates. False: p says why, and what was filled is still c's. */
bool certificate_load(struct certificate *c, const struct certificate_input *in,
                      struct tls_problem *p);
/* One more decoding of the same leaf, with its public key. */
X509 *certificate_decode(const struct certificate *c);
