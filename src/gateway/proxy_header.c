/* Who asks, as a PROXY protocol header: the client as $remote_addr has it, and the address it
 * reached here. */
#include "gateway/proxy_header.h"

#include "gateway/proxy_tlvs.h"
#include "wire/proxy_protocol.h"

static bool
is_ip(const struct address *a)
{
    return a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6;
}

/* An IPv4 address beside one of IPv6 is said as ::ffff:1.2.3.4. */
static struct proxy_end
end_of(const struct address *a, bool v6)
{
    struct proxy_end end = { .port = address_port(a) };
    if (a->any.sa_family == AF_INET6) {
        memcpy(end.address, &a->v6.sin6_addr, 16);
    } else {
        if (v6)
            memset(end.address + 10, 0xff, 2);
        memcpy(end.address + (v6 ? 12 : 0), &a->v4.sin_addr, 4);
    }
    return end;
}

/* The address itself, where the listener's is any. */
static struct address
local_of(const struct client *client)
{
    struct address local = { .size = sizeof local - offsetof(struct address, any) };
    if (client->fd > 0 && getsockname(client->fd, &local.any, &local.size) == 0)
        return local;
    return client->local;
}

struct str
gateway_proxy_header(struct gateway *g)
{
    struct proxy_header h = { .family = PROXY_UNKNOWN };
    struct buf b;
    const struct address *peer = exchange_peer(g->x);
    const struct address local = local_of(g->x->client);
    if (is_ip(peer) && is_ip(&local)) {
        bool v6 = peer->any.sa_family == AF_INET6 || local.any.sa_family == AF_INET6;
        h.family = v6 ? PROXY_IPV6 : PROXY_IPV4;
        h.source = end_of(peer, v6);
        h.destination = end_of(&local, v6);
    }
    if (g->my->proxy_protocol == 2) {
        h.tlvs = gateway_proxy_tlvs(g);
        h.checksum = gateway_proxy_checksum(g);
    }
    buf_init(&b, &g->x->arena, PROXY_V1_MAX + 1 + h.tlvs.n, 0);
    if (g->my->proxy_protocol == 1)
        proxy_header_write_v1(&b, &h);
    else
        proxy_header_write_v2(&b, &h);
    return buf_str(&b);
}
