/* Prefixes of addresses: "10.0.0.0/8", "2001:db8::/32", a lone address, "unix:". */
#pragma once

#include "net/address.h"

struct prefix {
    sa_family_t family; /* AF_INET, AF_INET6 or AF_UNIX (any of them) */
    unsigned char bits;
    unsigned char bytes[16]; /* beyond the bits: 0 */
};

enum prefix_reading {
    PREFIX_BAD,
    PREFIX_GOOD,
    PREFIX_LOOSE, /* it had bits beyond its length, which are dropped */
};

enum prefix_reading prefix_parse(struct str text, struct prefix *out);
/* That of one address. */
struct prefix prefix_of(const struct address *a);
/* IPv4 addresses that a socket of IPv6 shows (::ffff:1.2.3.4) are IPv4 ones. */
bool prefix_holds(const struct prefix *p, const struct address *a);
