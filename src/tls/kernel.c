/* Records sealed by the kernel (kTLS), when a context says `Options KTLS` and the kernel knows
 * protocol and cipher.
 *
 * OpenSSL hands its keys over through a BIO that is the socket's own. So with that option it writes
 * the handshake to the socket itself; if the kernel has not taken the keys at the end, all goes on
 * as usual. Reading stays ours. */
#include "tls/state.h"

bool
tls_kernel_is_offered(const SSL *ssl)
{
    return SSL_get_wbio(ssl) != SSL_get_rbio(ssl);
}

/* Not with early data, which is answered before the handshake ends. */
void
tls_kernel_offer(const struct tls_session *s, SSL *ssl)
{
    const struct tls_context *context = tls_context_of(SSL_get_SSL_CTX(ssl));
    if (!(SSL_get_options(ssl) & SSL_OP_ENABLE_KTLS) || context->early_data)
        return;
    BIO *own = BIO_new_socket(s->conn->watch.fd, BIO_NOCLOSE);
    if (own)
        SSL_set0_wbio(ssl, own);
}

void
tls_kernel_settle(struct tls_session *s)
{
    if (!tls_kernel_is_offered(s->ssl))
        return;
    s->kernel_seals = BIO_get_ktls_send(SSL_get_wbio(s->ssl));
    if (s->kernel_seals)
        return;
    BIO *usual = SSL_get_rbio(s->ssl);
    (void)BIO_up_ref(usual);
    SSL_set0_wbio(s->ssl, usual);
}
