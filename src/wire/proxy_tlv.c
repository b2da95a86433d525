/* TLVs of the PROXY protocol: named, found, written. */
#include "wire/proxy_tlv.h"

struct named {
    const char *name;
    unsigned type;
};

static bool
type_of(const struct named *list, struct str name, unsigned *type)
{
    uint64_t number;
    for (const struct named *t = list; t->name; t++)
        if (str_eq(name, str_of(t->name))) {
            *type = t->type;
            return true;
        }
    if (!str_starts(name, STR("0x")) || !str_hex_to_u64(str_skip(name, 2), 255, &number))
        return false;
    *type = (unsigned)number;
    return true;
}

bool
proxy_tlv_type(struct str name, unsigned *type)
{
    static const struct named types[] = {
        { "alpn", PROXY_TLV_ALPN },           { "authority", PROXY_TLV_AUTHORITY },
        { "unique_id", PROXY_TLV_UNIQUE_ID }, { "ssl", PROXY_TLV_SSL },
        { "netns", PROXY_TLV_NETNS },         { NULL, 0 }
    };
    return type_of(types, name, type);
}

bool
proxy_ssl_tlv_type(struct str name, unsigned *type)
{
    static const struct named types[] = {
        { "version", PROXY_TLV_SSL_VERSION }, { "cn", PROXY_TLV_SSL_CN },
        { "cipher", PROXY_TLV_SSL_CIPHER },   { "sig_alg", PROXY_TLV_SSL_SIG_ALG },
        { "key_alg", PROXY_TLV_SSL_KEY_ALG }, { NULL, 0 }
    };
    return type_of(types, name, type);
}

bool
proxy_tlv_find(struct str tlvs, unsigned type, struct str *value)
{
    while (tlvs.n >= PROXY_TLV_HEAD) {
        size_t n = (size_t)(unsigned char)tlvs.p[1] << 8 | (unsigned char)tlvs.p[2];
        if (n > tlvs.n - PROXY_TLV_HEAD)
            return false;
        if ((unsigned char)tlvs.p[0] == type) {
            *value = (struct str){ tlvs.p + PROXY_TLV_HEAD, n };
            return true;
        }
        tlvs = str_skip(tlvs, PROXY_TLV_HEAD + n);
    }
    return false;
}

void
proxy_tlv_write(struct buf *b, unsigned type, struct str value)
{
    buf_byte(b, (char)type);
    buf_byte(b, (char)(value.n >> 8));
    buf_byte(b, (char)value.n);
    buf_put(b, value);
}
