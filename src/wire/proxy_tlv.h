/* What a PROXY protocol header of version 2 says beyond addresses: type, length, value
 * (proxy-protocol.txt 2.2). */
#pragma once

#include "base/buf.h"

enum proxy_tlv {
    PROXY_TLV_ALPN = 0x01,
    PROXY_TLV_AUTHORITY = 0x02,
    PROXY_TLV_CRC32C = 0x03,
    PROXY_TLV_UNIQUE_ID = 0x05,
    PROXY_TLV_SSL = 0x20, /* client, verify, then TLVs of its own */
    PROXY_TLV_SSL_VERSION = 0x21,
    PROXY_TLV_SSL_CN = 0x22,
    PROXY_TLV_SSL_CIPHER = 0x23,
    PROXY_TLV_SSL_SIG_ALG = 0x24,
    PROXY_TLV_SSL_KEY_ALG = 0x25,
    PROXY_TLV_NETNS = 0x30,
};

enum { PROXY_TLV_HEAD = 3, PROXY_SSL_HEAD = 5, PROXY_UNIQUE_ID_MAX = 128 };

/* The bits of an SSL's client. */
enum { PROXY_CLIENT_SSL = 1, PROXY_CLIENT_CERT_CONN = 2, PROXY_CLIENT_CERT_SESS = 4 };

/* A type by nginx's name for it ("alpn"; of an SSL's own: "version"), or as 0x and hexadecimal
 * digits. */
bool proxy_tlv_type(struct str name, unsigned *type);
bool proxy_ssl_tlv_type(struct str name, unsigned *type);

/* The first TLV of that type. False when there is none, or the list is broken before it. */
bool proxy_tlv_find(struct str tlvs, unsigned type, struct str *value);

/* Appends one; the value is of at most 65535 bytes. */
void proxy_tlv_write(struct buf *b, unsigned type, struct str value);
