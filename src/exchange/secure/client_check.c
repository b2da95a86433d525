/* 497 plain HTTP on a TLS port, 421 another server's verification, 495 a bad client certificate,
 * 496 none where one is required. */
#include "exchange/secure/client_check.h"

#include "exchange/hosts/location.h"
#include "exchange/secure/tls_server.h"
#include "tls/session.h"

/* What was asked at the handshake is what this server asks. Where nobody was named then and nobody
 * has sent a certificate, it is as good as asked. */
static bool
was_asked(const struct exchange *x, const struct tls_server *t)
{
    const struct conn *conn = x->client->conn;
    if (x->client->verification == t->verification)
        return true;
    return tls_server_name(conn).p == NULL && !tls_has_peer_certificate(conn);
}

static enum verdict
judge_certificate(struct exchange *x, const struct tls_server *t)
{
    const struct conn *conn = x->client->conn;
    long error = tls_verify_result(conn);
    if (!tls_has_peer_certificate(conn))
        return t->verify == TLS_VERIFY_ON ? fail(x, FAULT_NO_CLIENT_CERTIFICATE, "%s", "") : PASS;
    if (error == X509_V_OK)
        return PASS;
    return fail(x, FAULT_CLIENT_CERTIFICATE, "client SSL certificate verify error: (%ld:%s)", error,
                X509_verify_cert_error_string(error));
}

enum verdict
client_check(struct exchange *x)
{
    const struct tls_server *t = x->server->tls;
    if (x->client->plain_on_tls)
        return fail(x, FAULT_PLAIN_ON_TLS, "%s", "");
    if (!x->client->tls || t == NULL || t->verify == TLS_VERIFY_OFF)
        return PASS;
    if (!was_asked(x, t))
        return fail(x, FAULT_MISDIRECTED, "%s", "");
    return judge_certificate(x, t);
}
