/* Asking whether a client's certificates are revoked (ssl_ocsp): each of its chain, of the
 * responder that it names. */
#pragma once

#include "net/resolve.h"
#include "tls/ocsp_cache.h"

#include <openssl/ssl.h>

struct ocsp_peer_settings {
    bool leaf_only;                           /* ssl_ocsp leaf */
    struct str responder;                     /* URL, in place of the certificates'; STR_NONE */
    struct ocsp_cache *cache;                 /* NULL: none */
    const struct resolver_settings *resolver; /* NULL: the system's */
};

/* After a handshake whose peer sent a certificate that was found good; on its fiber, parks. 0: the
 * outcome is SSL_get_verify_result(ssl): X509_V_OK, X509_V_ERR_CERT_REVOKED, or another when
 * nobody could tell, p says why then. -ECANCELED. */
int ocsp_peer_check(SSL *ssl, const struct ocsp_peer_settings *s, uint64_t deadline,
                    struct tls_problem *p) __attribute__((warn_unused_result));
