/* Variables of the PROXY protocol: what the header of the connection said. */
#include "exchange/proxied.h"
#include "exchange/values/print.h"
#include "exchange/values/variable.h"
#include "wire/proxy_protocol.h"

static bool
get_addr(struct exchange *x, struct str rest, struct str *out)
{
    const struct proxied *p = x->client->proxied;
    return p && give(p->source_text, out);
}

static bool
get_server_addr(struct exchange *x, struct str rest, struct str *out)
{
    const struct proxied *p = x->client->proxied;
    return p && give(p->destination_text, out);
}

static bool
give_port(struct exchange *x, const struct address *a, struct str *out)
{
    unsigned port = address_port(a);
    *out = port ? print_u64(x, port) : STR("");
    return true;
}

static bool
get_port(struct exchange *x, struct str rest, struct str *out)
{
    const struct proxied *p = x->client->proxied;
    return p && give_port(x, &p->source, out);
}

static bool
get_server_port(struct exchange *x, struct str rest, struct str *out)
{
    const struct proxied *p = x->client->proxied;
    return p && give_port(x, &p->destination, out);
}

/* --- TLVs --- */

enum { TLV_SSL = 0x20, SSL_FIXED = 5 }; /* client (1 byte), verify (4), then TLVs of its own */

static const struct tlv {
    const char *name;
    unsigned type;
} tlvs[] = { { "alpn", 0x01 }, { "authority", 0x02 }, { "unique_id", 0x05 },
             { "ssl", 0x20 },  { "netns", 0x30 },     { 0 } },
  ssl_tlvs[] = { { "version", 0x21 }, { "cn", 0x22 },      { "cipher", 0x23 },
                 { "sig_alg", 0x24 }, { "key_alg", 0x25 }, { 0 } };

/* By name, or as 0x and hexadecimal digits. */
static bool
type_of(const struct tlv *list, struct str name, unsigned *type)
{
    uint64_t number;
    for (const struct tlv *t = list; t->name; t++)
        if (str_eq(name, str_of(t->name))) {
            *type = t->type;
            return true;
        }
    if (!str_starts(name, STR("0x")) || !str_hex_to_u64(str_skip(name, 2), 255, &number))
        return false;
    *type = (unsigned)number;
    return true;
}

static bool
get_ssl(struct exchange *x, struct str ssl, struct str name, struct str *out)
{
    unsigned type;
    if (ssl.n < SSL_FIXED)
        return false;
    if (str_eq(name, STR("verify"))) {
        const unsigned char *p = (const unsigned char *)ssl.p + 1;
        *out = print_u64(x, (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | p[2] << 8 | p[3]);
        return true;
    }
    return type_of(ssl_tlvs, name, &type) && proxy_tlv_find(str_skip(ssl, SSL_FIXED), type, out);
}

static bool
get_tlv(struct exchange *x, struct str rest, struct str *out)
{
    unsigned type;
    struct str ssl;
    const struct proxied *p = x->client->proxied;
    if (p == NULL)
        return false;
    if (str_starts(rest, STR("ssl_")))
        return proxy_tlv_find(p->tlvs, TLV_SSL, &ssl) && get_ssl(x, ssl, str_skip(rest, 4), out);
    return type_of(tlvs, rest, &type) && proxy_tlv_find(p->tlvs, type, out);
}

enum { EACH = VARIABLE_VOLATILE, ANY = VARIABLE_VOLATILE | VARIABLE_PREFIX };

const struct variable proxied_variables[] = {
    { "proxy_protocol_addr", get_addr, NULL, EACH, "Client address from the PROXY protocol." },
    { "proxy_protocol_port", get_port, NULL, EACH, "Client port from the PROXY protocol." },
    { "proxy_protocol_server_addr", get_server_addr, NULL, EACH,
      "Server address from the PROXY protocol." },
    { "proxy_protocol_server_port", get_server_port, NULL, EACH,
      "Server port from the PROXY protocol." },
    { "proxy_protocol_tlv_", get_tlv, NULL, ANY,
      "A TLV of the PROXY protocol: alpn, authority, unique_id, netns, ssl_version, ssl_cn, "
      "ssl_cipher, ssl_sig_alg, ssl_key_alg, ssl_verify, or its type as 0x and two digits." },
    { 0 },
};
