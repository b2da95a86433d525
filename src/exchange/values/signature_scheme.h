/* Signature algorithms of a handshake by their names in TLS (IANA's SignatureScheme): OpenSSL 3.0
 * tells numbers only. */
#pragma once

#include <openssl/ssl.h>

/* NULL when the code is not known. */
const char *signature_scheme_of_code(unsigned code);
/* Of the server's and the client's CertificateVerify; NULL when there was none. */
const char *signature_scheme_ours(SSL *ssl);
const char *signature_scheme_theirs(SSL *ssl);
