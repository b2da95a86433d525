/* PROXY protocol headers. Strict: a receiver that guesses is told another's address. */
#include "wire/proxy_protocol.h"

#include "base/crc32c.h"
#include "wire/proxy_tlv.h"

#include <arpa/inet.h>

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    V2_FIXED = 16,
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
    FAMILY_UNKNOWN = 0,
    FAMILY_V4 = 0x11,
    FAMILY_V6 = 0x21
};

/* --- Version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 4711 80" CRLF --- */

static bool
parse_address(struct str text, enum proxy_family family, struct proxy_end *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    out->text = text;
    return inet_pton(family == PROXY_IPV4 ? AF_INET : AF_INET6, copy, out->address) == 1;
}

static bool
parse_port(struct str text, unsigned *out)
{
    uint64_t port;
    if (!str_to_u64(text, 65535, &port) || (text.n > 1 && text.p[0] == '0'))
        return false;
    *out = (unsigned)port;
    return true;
}

/* What follows "PROXY ", without the line's end. */
static bool
parse_words(struct str rest, struct proxy_header *out)
{
    struct str protocol = str_cut(&rest, ' ');
    if (str_eq(protocol, STR("UNKNOWN")))
        return true;
    enum proxy_family family = str_eq(protocol, STR("TCP4"))   ? PROXY_IPV4
                               : str_eq(protocol, STR("TCP6")) ? PROXY_IPV6
                                                               : PROXY_UNKNOWN;
    out->family = family;
    return family != PROXY_UNKNOWN && rest.p &&
           parse_address(str_cut(&rest, ' '), family, &out->source) && rest.p &&
           parse_address(str_cut(&rest, ' '), family, &out->destination) && rest.p &&
           parse_port(str_cut(&rest, ' '), &out->source.port) && rest.p &&
           parse_port(rest, &out->destination.port);
}

static enum proxy_progress
parse_v1(struct str in, struct proxy_header *out)
{
    struct str line = str_head(in, PROXY_V1_MAX);
    ptrdiff_t feed = str_find(line, '\n');
    if (feed < 0)
        return in.n < PROXY_V1_MAX ? PROXY_MORE : PROXY_BAD;
    out->size = (size_t)feed + 1;
    line = str_head(line, (size_t)feed);
    if (!str_ends(line, STR("\r")))
        return PROXY_BAD;
    return parse_words(str_skip(str_head(line, line.n - 1), 6), out) ? PROXY_DONE : PROXY_BAD;
}

/* --- Version 2 --- */

static unsigned
read_u16(const char *p)
{
    return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static bool
take_addresses(struct str *body, size_t width, struct proxy_header *out)
{
    if (body->n < 2 * width + 4)
        return false;
    memcpy(out->source.address, body->p, width);
    memcpy(out->destination.address, body->p + width, width);
    out->source.port = read_u16(body->p + 2 * width);
    out->destination.port = read_u16(body->p + 2 * width + 2);
    *body = str_skip(*body, 2 * width + 4);
    return true;
}

/* Is the checksum, if there is one, that of the header with zeros in its place? */
static bool
is_sound(struct str header, struct str tlvs)
{
    struct str sum;
    uint32_t told;
    if (!proxy_tlv_find(tlvs, PROXY_TLV_CRC32C, &sum))
        return true;
    if (sum.n != sizeof told)
        return false;
    memcpy(&told, sum.p, sizeof told);
    uint32_t crc = crc32c(0, str_between(header.p, sum.p));
    crc = crc32c(crc, (struct str){ "\0\0\0", sizeof told });
    return crc32c(crc, str_between(sum.p + sum.n, header.p + header.n)) == ntohl(told);
}

/* Datagrams, unix sockets and families to come are nobody that could be named here. */
static enum proxy_progress
parse_body(unsigned family, struct str body, struct proxy_header *out)
{
    size_t width = family == FAMILY_V4 ? 4 : family == FAMILY_V6 ? 16 : 0;
    if (width == 0)
        return PROXY_DONE;
    if (!take_addresses(&body, width, out))
        return PROXY_BAD;
    out->family = family == FAMILY_V4 ? PROXY_IPV4 : PROXY_IPV6;
    out->tlvs = body;
    return PROXY_DONE;
}

static enum proxy_progress
parse_v2(struct str in, struct proxy_header *out)
{
    if (in.n < V2_FIXED)
        return PROXY_MORE;
    unsigned command = (unsigned char)in.p[12];
    out->size = V2_FIXED + read_u16(in.p + 14);
    if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) || out->size > PROXY_HEADER_MAX)
        return PROXY_BAD;
    if (in.n < out->size)
        return PROXY_MORE;
    if (command == COMMAND_LOCAL)
        return PROXY_DONE;
    in = str_head(in, out->size);
    enum proxy_progress p = parse_body((unsigned char)in.p[13], str_skip(in, V2_FIXED), out);
    return p == PROXY_DONE && !is_sound(in, out->tlvs) ? PROXY_BAD : p;
}

/* Do both say the same as far as both go? */
static bool
agrees(struct str in, struct str with)
{
    return memcmp(in.p, with.p, in.n < with.n ? in.n : with.n) == 0;
}

enum proxy_progress
proxy_header_parse(struct str in, struct proxy_header *out)
{
    const struct str v1 = STR("PROXY "), v2 = { signature, sizeof signature };
    *out = (struct proxy_header){ .family = PROXY_UNKNOWN };
    if (in.n == 0)
        return PROXY_MORE;
    if (agrees(in, v1))
        return in.n < v1.n ? PROXY_MORE : parse_v1(in, out);
    if (agrees(in, v2))
        return in.n < v2.n ? PROXY_MORE : parse_v2(in, out);
    return PROXY_BAD;
}

/* --- Writing --- */

void
proxy_header_write_v1(struct buf *b, const struct proxy_header *h)
{
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
    int family = h->family == PROXY_IPV4 ? AF_INET : AF_INET6;
    if (h->family == PROXY_UNKNOWN ||
        !inet_ntop(family, h->source.address, source, sizeof source) ||
        !inet_ntop(family, h->destination.address, destination, sizeof destination))
        buf_put(b, STR("PROXY UNKNOWN\r\n"));
    else
        buf_printf(b, "PROXY TCP%c %s %s %u %u\r\n", family == AF_INET ? '4' : '6', source,
                   destination, h->source.port, h->destination.port);
}

static void
put_u16(struct buf *b, unsigned n)
{
    buf_byte(b, (char)(n >> 8));
    buf_byte(b, (char)n);
}

static void
put_addresses(struct buf *b, const struct proxy_header *h, size_t width)
{
    buf_put(b, (struct str){ (const char *)h->source.address, width });
    buf_put(b, (struct str){ (const char *)h->destination.address, width });
    put_u16(b, h->source.port);
    put_u16(b, h->destination.port);
}

/* Into the place that was left for it, which the header has zeros in. */
static void
fill_checksum(struct buf *b, size_t start, size_t place)
{
    const uint32_t crc = htonl(crc32c(0, str_skip(buf_str(b), start)));
    memcpy(b->p + place, &crc, sizeof crc);
}

void
proxy_header_write_v2(struct buf *b, const struct proxy_header *h)
{
    size_t start = b->n, width = h->family == PROXY_IPV4 ? 4 : h->family == PROXY_IPV6 ? 16 : 0;
    size_t addresses = width ? 2 * width + 4 : 0, sum = h->checksum ? PROXY_TLV_HEAD + 4 : 0;
    bool local = addresses + sum + h->tlvs.n == 0;
    buf_put(b, (struct str){ signature, sizeof signature });
    buf_byte(b, local ? COMMAND_LOCAL : COMMAND_PROXY);
    buf_byte(b, (char)(width == 4 ? FAMILY_V4 : width ? FAMILY_V6 : FAMILY_UNKNOWN));
    put_u16(b, (unsigned)(addresses + sum + h->tlvs.n));
    if (width)
        put_addresses(b, h, width);
    if (h->checksum)
        proxy_tlv_write(b, PROXY_TLV_CRC32C, (struct str){ "\0\0\0", 4 });
    size_t place = b->n - 4;
    buf_put(b, h->tlvs);
    if (h->checksum && !b->full)
        fill_checksum(b, start, place);
}
