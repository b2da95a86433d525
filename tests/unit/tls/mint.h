/* Certificates and keys for tests, made on the spot. */
#pragma once

#include "base/str.h"

#include <openssl/x509.h>

struct mint {
    const char *name;       /* common name, and the alternative name unless that is given */
    const char *names;      /* "DNS:a,DNS:b"; NULL: DNS:name */
    const char *issuer;     /* NULL: itself */
    EVP_PKEY *key;          /* its own; NULL: a new P-256 key, told in *made */
    EVP_PKEY *signer;       /* NULL: its own key */
    int from_days, to_days; /* from now; both 0: yesterday to 90 */
    bool authority;
    const char *digest;    /* NULL: SHA256 */
    const char *usage;     /* "OCSPSigning" */
    const char *responder; /* URL of its OCSP responder */
};

EVP_PKEY *mint_key(const char *kind); /* "EC", "RSA1024", "RSA2048", "ED25519" */
X509 *mint_certificate(const struct mint *m);
/* PEM, malloc'ed; password NULL: as it is. */
char *mint_pem(X509 *x);
char *mint_key_pem(EVP_PKEY *key, bool traditional, const char *password);
/* "a" "b": malloc'ed, a is freed */
char *mint_join(char *a, const char *b);
