/* The OCSP response that a server sends with its certificate (RFC 6066 8): fetched when a handshake
 * finds it missing or old, kept process-wide, over reloads too.
 *
 * A handshake never waits for it. Counted, any thread. */
#pragma once

#include "net/resolve.h"
#include "tls/certificate.h"

struct ocsp_staple;

struct ocsp_staple_profile { /* texts live as long as the call */
    struct certificate *certificate;
    struct str responder; /* URL, in place of the certificate's; STR_NONE */
    struct str response;  /* ssl_stapling_file's bytes, in place of a responder's; STR_NONE */
    struct str trusted;   /* PEM: ssl_trusted_certificate, where the issuer may be found */
    bool verify;          /* ... and must lead to */
    const struct resolver_settings *resolver; /* NULL: the system's */
};

/* Held once more for the caller. NULL: p says why nothing can be stapled, as nginx's warning. */
struct ocsp_staple *ocsp_staple_get(const struct ocsp_staple_profile *profile,
                                    struct tls_problem *p);
void ocsp_staple_drop(struct ocsp_staple *s);
/* Has it fetched by a fiber of this thread when it is missing or old. Before each handshake that
 * may present it; on a loop's thread. */
void ocsp_staple_tend(struct ocsp_staple *s);
/* For the context's status callback (SSL_CTX_set_tlsext_status_cb), any thread: gives ssl the
 * response. SSL_TLSEXT_ERR_OK, or SSL_TLSEXT_ERR_NOACK when there is none. NULL: none. */
int ocsp_staple_answer(struct ocsp_staple *s, SSL *ssl);
