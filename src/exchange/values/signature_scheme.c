/* The registry "TLS SignatureScheme" (RFC 8446 4.2.3) by code, and by what OpenSSL calls the parts.
 */
#include "exchange/values/signature_scheme.h"

static const struct scheme {
    unsigned code;
    int type, hash; /* NIDs; the hash is that of the signed digest */
    const char *name;
} schemes[] = {
    { 0x0201, EVP_PKEY_RSA, NID_sha1, "rsa_pkcs1_sha1" },
    { 0x0203, EVP_PKEY_EC, NID_sha1, "ecdsa_sha1" },
    { 0x0401, EVP_PKEY_RSA, NID_sha256, "rsa_pkcs1_sha256" },
    { 0x0403, EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256" },
    { 0x0501, EVP_PKEY_RSA, NID_sha384, "rsa_pkcs1_sha384" },
    { 0x0503, EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384" },
    { 0x0601, EVP_PKEY_RSA, NID_sha512, "rsa_pkcs1_sha512" },
    { 0x0603, EVP_PKEY_EC, NID_sha512, "ecdsa_secp521r1_sha512" },
    { 0x0804, EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_rsae_sha256" },
    { 0x0805, EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_rsae_sha384" },
    { 0x0806, EVP_PKEY_RSA_PSS, NID_sha512, "rsa_pss_rsae_sha512" },
    { 0x0807, EVP_PKEY_ED25519, NID_undef, "ed25519" },
    { 0x0808, EVP_PKEY_ED448, NID_undef, "ed448" },
    { 0x0809, NID_undef, NID_sha256, "rsa_pss_pss_sha256" },
    { 0x080a, NID_undef, NID_sha384, "rsa_pss_pss_sha384" },
    { 0x080b, NID_undef, NID_sha512, "rsa_pss_pss_sha512" },
    { 0x081a, NID_undef, NID_sha256, "ecdsa_brainpoolP256r1tls13_sha256" },
    { 0x081b, NID_undef, NID_sha384, "ecdsa_brainpoolP384r1tls13_sha384" },
    { 0x081c, NID_undef, NID_sha512, "ecdsa_brainpoolP512r1tls13_sha512" },
    { 0x0904, NID_undef, NID_undef, "mldsa44" },
    { 0x0905, NID_undef, NID_undef, "mldsa65" },
    { 0x0906, NID_undef, NID_undef, "mldsa87" },
};

enum { N_SCHEMES = sizeof schemes / sizeof schemes[0] };

const char *
signature_scheme_of_code(unsigned code)
{
    for (unsigned i = 0; i < N_SCHEMES; i++)
        if (schemes[i].code == code)
            return schemes[i].name;
    return NULL;
}

static const char *
of_parts(int type, int hash)
{
    for (unsigned i = 0; i < N_SCHEMES; i++)
        if (type != NID_undef && schemes[i].type == type &&
            (schemes[i].hash == hash || schemes[i].hash == NID_undef))
            return schemes[i].name;
    return NULL;
}

const char *
signature_scheme_ours(SSL *ssl)
{
    int type = NID_undef, hash = NID_undef;
    if (!SSL_get_signature_type_nid(ssl, &type) || !SSL_get_signature_nid(ssl, &hash))
        return NULL;
    return of_parts(type, hash);
}

const char *
signature_scheme_theirs(SSL *ssl)
{
    int type = NID_undef, hash = NID_undef;
    if (!SSL_get_peer_signature_type_nid(ssl, &type) || !SSL_get_peer_signature_nid(ssl, &hash))
        return NULL;
    return of_parts(type, hash);
}
