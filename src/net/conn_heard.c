/* What the peer's kernel has acknowledged. In a file of its own, because linux/tcp.h knows the
 * counter and cannot be read together with the library's netinet/tcp.h. */
#include "net/conn.h"

#include <linux/tcp.h>

bool
conn_was_heard(const struct conn *c, uint64_t before)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(c->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked)
        return true;
    return info.tcpi_bytes_acked > before + 1; /* the SYN counts as one */
}
