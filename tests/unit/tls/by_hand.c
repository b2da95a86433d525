#include "by_hand.h"

#include "base/must.h"

#include <openssl/err.h>

SSL *
hand_open(SSL_CTX *ctx, const char *name, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(ctx);
    must(ssl != NULL);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    SSL_set_tlsext_host_name(ssl, name);
    if (session)
        SSL_set_session(ssl, session);
    return ssl;
}

void
hand_out(SSL *ssl, struct conn *c)
{
    char *p;
    long n = BIO_get_mem_data(SSL_get_wbio(ssl), &p);
    if (n > 0)
        (void)!conn_write(c, p, (size_t)n, 1000);
    (void)BIO_reset(SSL_get_wbio(ssl));
}

bool
hand_in(SSL *ssl, struct conn *c)
{
    char in[8192];
    ssize_t n = conn_read(c, in, sizeof in, clock_in(5000));
    if (n <= 0)
        return false;
    must(BIO_write(SSL_get_rbio(ssl), in, (int)n) == n);
    return true;
}

bool
hand_shake(SSL *ssl, struct conn *c)
{
    int n;
    while ((n = SSL_do_handshake(ssl)) != 1) {
        bool fatal = SSL_get_error(ssl, n) == SSL_ERROR_SSL;
        hand_out(ssl, c);
        ERR_clear_error();
        if (fatal || !hand_in(ssl, c))
            return false;
    }
    hand_out(ssl, c);
    return true;
}
