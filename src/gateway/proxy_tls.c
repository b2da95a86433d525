/* The client's TLS connection as a PROXY protocol header tells of it (proxy-protocol.txt 2.2.6).
 * Names of algorithms are those that HAProxy sends. */
#include "gateway/proxy_tlvs.h"

#include "tls/session.h"
#include "wire/proxy_tlv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static void
put_some(struct buf *b, unsigned type, struct str value)
{
    if (value.n && value.n <= UINT8_MAX)
        proxy_tlv_write(b, type, value);
}

/* Which of our certificates it was shown. */
static void
put_algorithms(struct buf *b, SSL *ssl)
{
    const X509 *ours = SSL_get_certificate(ssl);
    EVP_PKEY *key = ours ? X509_get0_pubkey(ours) : NULL;
    char text[64];
    if (key == NULL)
        return;
    put_some(b, PROXY_TLV_SSL_SIG_ALG, str_of(OBJ_nid2sn(X509_get_signature_nid(ours))));
    int bits = EVP_PKEY_get_bits(key), type = EVP_PKEY_get_base_id(key);
    if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC)
        snprintf(text, sizeof text, "%s%d", type == EVP_PKEY_RSA ? "RSA" : "EC", bits);
    else
        snprintf(text, sizeof text, "%s", EVP_PKEY_get0_type_name(key));
    put_some(b, PROXY_TLV_SSL_KEY_ALG, str_of(text));
}

static void
put_common_name(struct buf *b, const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    if (at < 0)
        return;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n > 0)
        put_some(b, PROXY_TLV_SSL_CN, (struct str){ (const char *)text, (size_t)n });
    OPENSSL_free(text);
    ERR_clear_error();
}

/* client and verify. That nobody was verified must not read as 0: X509_V_OK. */
static void
put_facts(struct buf *b, SSL *ssl, bool shown)
{
    unsigned client = PROXY_CLIENT_SSL;
    long verify = shown ? SSL_get_verify_result(ssl) : X509_V_ERR_UNSPECIFIED;
    if (shown)
        client |= PROXY_CLIENT_CERT_SESS | (SSL_session_reused(ssl) ? 0 : PROXY_CLIENT_CERT_CONN);
    buf_byte(b, (char)client);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(b, (char)(verify >> shift));
}

void
gateway_write_client_tls(struct exchange *x, struct buf *b)
{
    const struct conn *conn = x->client->conn;
    SSL *ssl = tls_ssl(conn);
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    put_facts(b, ssl, certificate != NULL);
    put_some(b, PROXY_TLV_SSL_VERSION, tls_protocol_name(conn));
    if (certificate)
        put_common_name(b, certificate);
    put_some(b, PROXY_TLV_SSL_CIPHER, tls_cipher_name(conn));
    put_algorithms(b, ssl);
}
