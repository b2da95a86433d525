/* Listening sockets.
 *
 * Everything that must be set before bind(2) is set here; what may change on a live socket is in
 * listen_apply, so that a reload can change it without losing the queue of waiting clients. */
#include "net/listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

static int
set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

static int
prepare(int fd, const struct listen_options *o, const char **step)
{
    int e = 0;
    if (o->address.any.sa_family == AF_UNIX)
        return 0;
    *step = "setsockopt(SO_REUSEADDR)";
    e = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (e == 0 && o->reuseport) {
        *step = "setsockopt(SO_REUSEPORT)";
        e = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (e == 0 && o->address.any.sa_family == AF_INET6) {
        *step = "setsockopt(IPV6_V6ONLY)";
        e = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6only);
    }
    return e;
}

/* A socket file that nobody listens on any more was left by a process that was killed. */
static bool
is_abandoned(const struct address *a)
{
    if (a->any.sa_family != AF_UNIX)
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, &a->any, a->size) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int
bind_to(int fd, const struct address *a)
{
    int e = bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    if (e == -EADDRINUSE && is_abandoned(a) && unlink(a->un.sun_path) == 0)
        e = bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    /* As nginx: whoever may enter the directory may talk to the server. */
    if (e == 0 && a->any.sa_family == AF_UNIX && chmod(a->un.sun_path, 0666) < 0)
        e = -errno;
    return e;
}

int
listen_open(const struct listen_options *o, const char **step)
{
    *step = "socket()";
    int fd = socket(o->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int e = prepare(fd, o, step);
    if (e == 0) {
        *step = "bind()";
        e = bind_to(fd, &o->address);
    }
    if (e == 0) {
        *step = "listen()";
        e = listen(fd, o->backlog) < 0 ? -errno : 0;
    }
    if (e < 0) {
        close(fd);
        return e;
    }
    listen_apply(fd, o);
    return fd;
}

static void
apply_keepalive(int fd, const struct listen_options *o)
{
    if (o->so_keepalive < 0)
        return;
    (void)set(fd, SOL_SOCKET, SO_KEEPALIVE, o->so_keepalive);
    if (o->keepidle)
        (void)set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)o->keepidle);
    if (o->keepintvl)
        (void)set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)o->keepintvl);
    if (o->keepcnt)
        (void)set(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)o->keepcnt);
}

void
listen_apply(int fd, const struct listen_options *o)
{
    (void)listen(fd, o->backlog); /* on a listening socket this only changes the queue's length */
    if (o->rcvbuf)
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, o->rcvbuf);
    if (o->sndbuf)
        (void)set(fd, SOL_SOCKET, SO_SNDBUF, o->sndbuf);
    if (o->address.any.sa_family == AF_UNIX)
        return;
    apply_keepalive(fd, o);
    if (o->fastopen >= 0)
        (void)set(fd, IPPROTO_TCP, TCP_FASTOPEN, o->fastopen);
    (void)set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->deferred ? 1 : 0);
}
