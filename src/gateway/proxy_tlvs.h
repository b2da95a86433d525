/* What a PROXY protocol header of version 2 tells a backend beyond addresses. */
#pragma once

#include "gateway/gateway.h"

struct proxy_tlvs;

/* proxy_pass_proxy_protocol_tlv: its field is a struct proxy_tlvs *. */
bool gateway_set_proxy_tlv(struct setting *s);
/* For the `complete` hook: a scope that names TLVs does not send a version without. */
bool gateway_check_proxy_tlvs(struct scope *scope, const struct gateway_settings *my,
                              const struct gateway_settings *outer);

/* Those of an exchange, in its arena. */
struct str gateway_proxy_tlvs(struct gateway *g);
bool gateway_proxy_checksum(const struct gateway *g);

/* gateway/proxy_tls.c: appends what the TLV "ssl" says of the client's connection: its value. */
void gateway_write_client_tls(struct exchange *x, struct buf *b);
