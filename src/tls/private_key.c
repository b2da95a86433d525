/* OpenSSL 3.0 takes a third of a millisecond to find out by its decoders what kind a key is, and a
 * twentieth of that when it is told. So EC and RSA keys are read as what their frame says they are.
 * Keys made thus are converted at their first use to what providers work with, which then stays. */
#define OPENSSL_API_COMPAT 0x10100000L /* the readers that say what kind a key is */
#include "tls/private_key.h"

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *
of_ec(EC_KEY *ec)
{
    EVP_PKEY *key = ec ? EVP_PKEY_new() : NULL;
    if (key && EVP_PKEY_assign_EC_KEY(key, ec) == 1)
        return key;
    EVP_PKEY_free(key);
    EC_KEY_free(ec);
    return NULL;
}

static EVP_PKEY *
of_rsa(RSA *rsa)
{
    EVP_PKEY *key = rsa ? EVP_PKEY_new() : NULL;
    if (key && EVP_PKEY_assign_RSA(key, rsa) == 1)
        return key;
    EVP_PKEY_free(key);
    RSA_free(rsa);
    return NULL;
}

/* SEC 1 in RFC 5208's frame: the curve stands outside. */
static EVP_PKEY *
read_ec_inside(const X509_ALGOR *algorithm, const unsigned char *der, int n)
{
    const void *curve;
    int type;
    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    if (type != V_ASN1_OBJECT)
        return NULL;
    EC_KEY *ec = EC_KEY_new_by_curve_name(OBJ_obj2nid(curve));
    if (ec == NULL || d2i_ECPrivateKey(&ec, &der, n) == NULL) {
        EC_KEY_free(ec);
        return NULL;
    }
    return of_ec(ec);
}

static EVP_PKEY *
read_pkcs8(const unsigned char *der, long n)
{
    const ASN1_OBJECT *kind;
    const X509_ALGOR *algorithm;
    const unsigned char *inside;
    int size;
    EVP_PKEY *key = NULL;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, n);
    if (info && PKCS8_pkey_get0(&kind, &inside, &size, &algorithm, info)) {
        int nid = OBJ_obj2nid(kind);
        if (nid == NID_X9_62_id_ecPublicKey)
            key = read_ec_inside(algorithm, inside, size);
        else if (nid == NID_rsaEncryption)
            key = of_rsa(d2i_RSAPrivateKey(NULL, &inside, size));
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

static EVP_PKEY *
read_kind(const char *name, const char *header, const unsigned char *der, long n)
{
    if (header[0]) /* encrypted (RFC 1421) */
        return NULL;
    if (strcmp(name, PEM_STRING_ECPRIVATEKEY) == 0)
        return of_ec(d2i_ECPrivateKey(NULL, &der, n));
    if (strcmp(name, PEM_STRING_RSA) == 0)
        return of_rsa(d2i_RSAPrivateKey(NULL, &der, n));
    if (strcmp(name, PEM_STRING_PKCS8INF) == 0)
        return read_pkcs8(der, n);
    return NULL;
}

/* The first block that names itself a private key; NULL when this way does not lead there. */
static EVP_PKEY *
read_known_kind(BIO *b)
{
    char *name, *header;
    unsigned char *der;
    long n;
    EVP_PKEY *key = NULL;
    for (bool found = false; !found && PEM_read_bio(b, &name, &header, &der, &n);) {
        found = str_ends(str_of(name), STR("PRIVATE KEY"));
        if (found)
            key = read_kind(name, header, der, n);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)n);
    }
    return key;
}

static int
give_password(char *out, int size, int writing, void *arg)
{
    const struct str *password = arg;
    if (password == NULL || password->n > (size_t)size)
        return -1;
    memcpy(out, password->p, password->n);
    return (int)password->n;
}

static EVP_PKEY *
read_with(BIO *b, const struct str *password)
{
    ERR_clear_error();
    (void)BIO_reset(b);
    return PEM_read_bio_PrivateKey(b, NULL, give_password, (void *)(uintptr_t)password);
}

EVP_PKEY *
private_key_read(struct str pem, const struct str *passwords, unsigned n)
{
    BIO *b = BIO_new_mem_buf(pem.p, pem.n < INT_MAX ? (int)pem.n : INT_MAX);
    EVP_PKEY *key = b ? read_known_kind(b) : NULL;
    if (b && key == NULL)
        key = read_with(b, n ? &passwords[0] : NULL);
    for (unsigned i = 1; b && key == NULL && i < n; i++)
        key = read_with(b, &passwords[i]);
    BIO_free(b);
    if (key)
        ERR_clear_error();
    return key;
}

/* Two curves may have the same bytes for a point. */
static bool
has_curve(const EVP_PKEY *key, const X509_ALGOR *algorithm)
{
    const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);
    const void *curve;
    int type;
    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    return ec && type == V_ASN1_OBJECT &&
           EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == OBJ_obj2nid(curve);
}

bool
private_key_fits(const EVP_PKEY *key, const X509 *facts)
{
    ASN1_OBJECT *kind;
    X509_ALGOR *algorithm;
    const unsigned char *in_certificate;
    int size, nid = EVP_PKEY_get_base_id(key);
    if ((nid != EVP_PKEY_EC && nid != EVP_PKEY_RSA) || EVP_PKEY_get0_provider(key))
        return false;
    X509_PUBKEY *public = X509_get_X509_PUBKEY(facts);
    if (!X509_PUBKEY_get0_param(&kind, &in_certificate, &size, &algorithm, public) ||
        OBJ_obj2nid(kind) != nid || (nid == EVP_PKEY_EC && !has_curve(key, algorithm)))
        return false;
    unsigned char *of_key = NULL;
    int n = i2d_PublicKey(key, &of_key);
    bool same = n > 0 && n == size && memcmp(of_key, in_certificate, (size_t)n) == 0;
    OPENSSL_free(of_key);
    return same;
}
