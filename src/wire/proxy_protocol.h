/* The PROXY protocol, versions 1 and 2: what a proxy says of a connection before its first byte
 * (haproxy.org/download/2.9/doc/proxy-protocol.txt). */
#pragma once

#include "base/buf.h"

/* Longest header accepted and written; what version 1 may have; what is left for TLVs beside the
 * longest addresses and a checksum. */
enum { PROXY_HEADER_MAX = 4096, PROXY_V1_MAX = 107, PROXY_TLVS_MAX = 4096 - 16 - 36 - 7 };

enum proxy_family { PROXY_UNKNOWN, PROXY_IPV4, PROXY_IPV6 };

struct proxy_end {
    unsigned char address[16]; /* 4 of them for IPv4; network order */
    unsigned port;
    struct str text; /* as version 1 has it; else STR_NONE */
};

struct proxy_header {
    enum proxy_family family; /* unknown: the connection speaks for itself */
    struct proxy_end source, destination;
    struct str tlvs; /* of version 2; of what was parsed, as the texts */
    bool checksum;   /* to be written with one */
    size_t size;     /* of the header */
};

enum proxy_progress { PROXY_MORE, PROXY_DONE, PROXY_BAD };

/* A header at the start of in. MORE: it may become one. */
enum proxy_progress proxy_header_parse(struct str in, struct proxy_header *out);

/* Appends a header; of unknown family when that of h is. Version 1 has no TLVs; in version 2 there
 * is room for PROXY_TLVS_MAX bytes of them. */
void proxy_header_write_v1(struct buf *b, const struct proxy_header *h);
void proxy_header_write_v2(struct buf *b, const struct proxy_header *h);
