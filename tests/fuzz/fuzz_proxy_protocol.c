/* A PROXY protocol header that is whole is whole whatever follows it, and what is written of it is
 * read as the same. */
#include "target.h"
#include "wire/proxy_protocol.h"
#include "wire/proxy_tlv.h"

static void
check_written(const struct proxy_header *h,
              void (*write)(struct buf *b, const struct proxy_header *h))
{
    struct arena a;
    struct buf b;
    struct proxy_header again;
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    write(&b, h);
    must(proxy_header_parse(buf_str(&b), &again) == PROXY_DONE && again.size == b.n);
    must(again.family == h->family && again.source.port == h->source.port);
    must(memcmp(again.source.address, h->source.address, sizeof h->source.address) == 0);
    must(write == proxy_header_write_v1 || again.family == PROXY_UNKNOWN ||
         str_ends(again.tlvs, h->tlvs));
    arena_fini(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size }, value;
    struct proxy_header h, again;
    enum proxy_progress p = proxy_header_parse(in, &h);
    for (unsigned type = 0; type < 256; type += 17)
        if (proxy_tlv_find(in, type, &value))
            must(value.p >= in.p && value.p + value.n <= in.p + in.n);
    if (p != PROXY_DONE)
        return 0;
    must(h.size <= in.n && h.size <= PROXY_HEADER_MAX);
    must(proxy_header_parse(str_head(in, h.size), &again) == PROXY_DONE && again.size == h.size);
    must(proxy_header_parse(str_head(in, h.size - 1), &again) != PROXY_DONE);
    check_written(&h, proxy_header_write_v1);
    check_written(&h, proxy_header_write_v2);
    if (!proxy_tlv_find(h.tlvs, PROXY_TLV_CRC32C, &value)) {
        h.checksum = true;
        check_written(&h, proxy_header_write_v2);
    }
    return 0;
}
