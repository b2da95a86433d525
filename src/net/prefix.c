/* Prefixes of addresses. */
#include "net/prefix.h"

#include <arpa/inet.h>

/* Decimal numbers, leading zeros or not, as nginx reads them. */
static bool
parse_v4(struct str text, unsigned char out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t octet;
        bool dot = str_find(text, '.') >= 0;
        if (dot != (i < 3) || !str_to_u64(str_cut(&text, '.'), 255, &octet))
            return false;
        out[i] = (unsigned char)octet;
    }
    return true;
}

static bool
parse_host(struct str text, struct prefix *out)
{
    char copy[INET6_ADDRSTRLEN];
    out->family = AF_INET;
    if (parse_v4(text, out->bytes))
        return true;
    if (text.n >= sizeof copy || memchr(text.p, '\0', text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    out->family = AF_INET6;
    return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

/* Clears what lies beyond the length; was there anything? */
static bool
cut(struct prefix *p)
{
    bool loose = false;
    for (unsigned i = 0; i < sizeof p->bytes; i++) {
        unsigned bits = p->bits > 8 * i ? p->bits - 8 * i : 0;
        unsigned char mask = bits >= 8 ? 0xff : (unsigned char)(0xff00 >> bits);
        loose |= (p->bytes[i] & ~mask) != 0;
        p->bytes[i] &= mask;
    }
    return loose;
}

enum prefix_reading
prefix_parse(struct str text, struct prefix *out)
{
    uint64_t bits;
    *out = (struct prefix){ .family = AF_UNIX };
    if (str_eq(text, STR("unix:")))
        return PREFIX_GOOD;
    struct str host = str_cut(&text, '/');
    if (!parse_host(host, out))
        return PREFIX_BAD;
    unsigned most = out->family == AF_INET ? 32 : 128;
    if (text.p && !str_to_u64(text, most, &bits))
        return PREFIX_BAD;
    out->bits = (unsigned char)(text.p ? bits : most);
    return cut(out) ? PREFIX_LOOSE : PREFIX_GOOD;
}

struct prefix
prefix_of(const struct address *a)
{
    struct prefix p = { .family = a->any.sa_family };
    if (p.family == AF_INET) {
        p.bits = 32;
        memcpy(p.bytes, &a->v4.sin_addr, 4);
    } else if (p.family == AF_INET6) {
        p.bits = 128;
        memcpy(p.bytes, &a->v6.sin6_addr, 16);
    }
    return p;
}

static bool
begins(const unsigned char *bytes, const struct prefix *p)
{
    unsigned whole = p->bits / 8, rest = p->bits % 8;
    return memcmp(bytes, p->bytes, whole) == 0 &&
           (rest == 0 || ((bytes[whole] ^ p->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0);
}

bool
prefix_holds(const struct prefix *p, const struct address *a)
{
    if (a->any.sa_family == AF_INET)
        return p->family == AF_INET && begins((const unsigned char *)&a->v4.sin_addr, p);
    if (a->any.sa_family != AF_INET6)
        return p->family == a->any.sa_family;
    const unsigned char *bytes = a->v6.sin6_addr.s6_addr;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
    return p->family == (mapped ? AF_INET : AF_INET6) && begins(mapped ? bytes + 12 : bytes, p);
}
