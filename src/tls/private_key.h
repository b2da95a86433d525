/* Private keys out of PEM. */
#pragma once

#include "tls/problem.h"

#include <openssl/evp.h>

/* The first private key in the text. Passwords are tried in order. NULL: OpenSSL's queue says why.
 */
EVP_PKEY *private_key_read(struct str pem, const struct str *passwords, unsigned n);
/* Is it the key to the public one in that certificate, by the bytes of both? False when they differ
 * or the question cannot be answered so. */
bool private_key_fits(const EVP_PKEY *key, const X509 *facts);
