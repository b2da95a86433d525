/* Prefixes as numbers. */
#include "net/prefix_bits.h"

#include <arpa/inet.h>
#include <endian.h>

enum { V4_BITS = 32, V6_BITS = 128 };

static void
take_bytes(const unsigned char bytes[16], struct prefix_bits *out)
{
    uint64_t halves[2];
    memcpy(halves, bytes, sizeof halves);
    *out = (struct prefix_bits){ be64toh(halves[0]), be64toh(halves[1]), V6_BITS, false };
}

bool
prefix_bits_of(const struct prefix *p, struct prefix_bits *out)
{
    take_bytes(p->bytes, out);
    out->length = p->bits;
    out->v4 = p->family == AF_INET;
    return p->family != AF_UNIX;
}

/* The bits beyond a length, in each half. */
static void
loose_bits(unsigned length, uint64_t *high, uint64_t *low)
{
    *high = length >= 64 ? 0 : UINT64_MAX >> length;
    *low = length <= 64 ? UINT64_MAX : length >= 128 ? 0 : UINT64_MAX >> (length - 64);
}

bool
prefix_bits_of_address(const struct address *a, struct prefix_bits *out)
{
    if (a->any.sa_family == AF_INET) {
        uint64_t host = ntohl(a->v4.sin_addr.s_addr);
        *out = (struct prefix_bits){ .high = host << 32, .length = V4_BITS, .v4 = true };
        return true;
    }
    if (a->any.sa_family != AF_INET6)
        return false;
    take_bytes(a->v6.sin6_addr.s6_addr, out);
    if (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        *out = (struct prefix_bits){ .high = out->low << 32, .length = V4_BITS, .v4 = true };
    return true;
}

struct prefix_bits
prefix_bits_end(const struct prefix_bits *p)
{
    uint64_t high, low;
    struct prefix_bits end = *p;
    loose_bits(p->length, &high, &low);
    end.high |= p->v4 ? high & ~(uint64_t)UINT32_MAX : high;
    end.low |= p->v4 ? 0 : low;
    end.length = p->v4 ? V4_BITS : V6_BITS;
    return end;
}

bool
prefix_bits_covers(const struct prefix_bits *p, const struct prefix_bits *address)
{
    uint64_t high, low;
    loose_bits(p->length, &high, &low);
    return p->v4 == address->v4 && ((p->high ^ address->high) & ~high) == 0 &&
           ((p->low ^ address->low) & ~low) == 0;
}
