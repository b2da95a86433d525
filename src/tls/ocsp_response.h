/* Questions to OCSP responders and their answers, as bytes (RFC 6960). No I/O.
 *
 * An answer is believed when the issuer of the certificate signed it, or somebody whom that issuer
 * allowed to (4.2.2.2), and when it is of now. */
#pragma once

#include "base/arena.h"
#include "tls/problem.h"

#include <openssl/x509.h>
#include <time.h>

enum { OCSP_RESPONSE_MAX = 64 << 10 };

/* Whose state is asked. */
struct ocsp_subject {
    X509 *x, *issuer;
    STACK_OF(X509) * chain; /* what may lie between the issuer and `trusted`; may be NULL */
    X509_STORE *trusted;    /* the issuer must lead there as well; NULL: it is believed */
};

enum ocsp_verdict { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };

struct ocsp_answer {
    enum ocsp_verdict verdict;
    time_t until; /* 0: it does not say */
};

/* The question in DER. False when OpenSSL cannot make it. */
bool ocsp_question(const struct ocsp_subject *s, struct arena *a, struct str *der);
/* Hostile bytes. False: p says why it is not believed. */
bool ocsp_response_read(const struct ocsp_subject *s, struct str der, struct ocsp_answer *out,
                        struct tls_problem *p);
