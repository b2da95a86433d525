/* Variables of the PROXY protocol: what the header of the connection said. */
#include "exchange/proxied.h"
#include "exchange/values/print.h"
#include "exchange/values/variable.h"
#include "wire/proxy_tlv.h"

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

static bool
get_ssl(struct exchange *x, struct str ssl, struct str name, struct str *out)
{
    unsigned type;
    if (ssl.n < PROXY_SSL_HEAD)
        return false;
    if (str_eq(name, STR("verify"))) {
        const unsigned char *p = (const unsigned char *)ssl.p + 1;
        *out = print_u64(x, (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | p[2] << 8 | p[3]);
        return true;
    }
    return proxy_ssl_tlv_type(name, &type) &&
           proxy_tlv_find(str_skip(ssl, PROXY_SSL_HEAD), type, out);
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
        return proxy_tlv_find(p->tlvs, PROXY_TLV_SSL, &ssl) &&
               get_ssl(x, ssl, str_skip(rest, 4), out);
    return proxy_tlv_type(rest, &type) && proxy_tlv_find(p->tlvs, type, out);
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
