/* Stream sockets for fibers: the system call first when the descriptor is thought ready, the park
 * after it.
 *
 * The watch's cached readiness is what saves system calls: a read that came short has emptied the
 * socket (epoll(7), edge-triggered), so the next read parks at once, and the kernel tells when
 * there is more. */
#include "net/conn.h"

#include "base/must.h"
#include "net/buffer.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* A fiber that always finds bytes never parks; after so many full reads it lets others run. */
enum { BURST_MAX = 16 };

enum { READ_SIGNS = WATCH_READ | WATCH_HANGUP | WATCH_ERROR };

int
conn_open(struct conn *c, int fd, unsigned ready)
{
    *c = (struct conn){ 0 };
    int e = watch_open(&c->watch, fd, ready);
    if (e < 0) {
        close(fd);
        c->watch.fd = -1;
    }
    return e;
}

static void
let_go(struct conn *c)
{
    int fd = c->watch.fd;
    if (c->transport)
        c->transport->fini(c);
    c->transport = NULL;
    watch_close(&c->watch);
    close(fd);
}

void
conn_close(struct conn *c)
{
    unsigned want = 0;
    if (c->watch.fd < 0)
        return;
    if (c->transport)
        (void)c->transport->shutdown(c, &want);
    let_go(c);
}

void
conn_reset(struct conn *c)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    if (c->watch.fd < 0)
        return;
    (void)setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    let_go(c);
}

/* --- Reading --- */

/* Nothing came although there should be something: -EAGAIN, unless no more can ever come. */
static ssize_t
note_dry(struct conn *c)
{
    c->watch.ready &= ~(unsigned)WATCH_READ;
    return c->watch.ready & READ_SIGNS ? -ECONNRESET : -EAGAIN;
}

ssize_t
conn_recv(struct conn *c, void *p, size_t n)
{
    if (!(c->watch.ready & READ_SIGNS))
        return -EAGAIN;
    ssize_t got;
    do
        got = recv(c->watch.fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? note_dry(c) : -errno;
    if (got > 0 && (size_t)got < n && !(c->watch.ready & (WATCH_HANGUP | WATCH_ERROR)))
        c->watch.ready &= ~(unsigned)WATCH_READ;
    return got;
}

static ssize_t
read_once(struct conn *c, void *p, size_t n, unsigned *want)
{
    must(n > 0);
    if (c->watch.fd < 0)
        return -EBADF;
    ssize_t got = c->transport ? c->transport->read(c, p, n, want) : conn_recv(c, p, n);
    if (got > 0)
        c->bytes_read += (uint64_t)got;
    return got;
}

ssize_t
conn_try_read(struct conn *c, void *p, size_t n)
{
    unsigned want = WATCH_READ;
    return read_once(c, p, n, &want);
}

static void
be_fair(struct conn *c, size_t got, size_t n)
{
    c->burst = got == n ? c->burst + 1 : 0;
    if (c->burst < BURST_MAX)
        return;
    c->burst = 0;
    (void)fiber_yield(); /* a cancellation is sticky: the next call tells */
}

ssize_t
conn_read(struct conn *c, void *p, size_t n, uint64_t deadline)
{
    for (;;) {
        unsigned want = WATCH_READ;
        ssize_t got = read_once(c, p, n, &want);
        if (got > 0)
            be_fair(c, (size_t)got, n);
        if (got != -EAGAIN)
            return got;
        int e = watch_wait(&c->watch, want, deadline);
        if (e < 0)
            return e;
        c->burst = 0;
    }
}

bool
conn_maybe_readable(const struct conn *c)
{
    if (c->watch.ready & READ_SIGNS)
        return true;
    return c->transport && c->transport->pending(c);
}

int
conn_wait_readable(struct conn *c, uint64_t deadline)
{
    if (conn_maybe_readable(c))
        return 0;
    return watch_wait(&c->watch, WATCH_READ, deadline);
}

/* What a transport has to itself (tickets of TLS 1.3) is none of what may not be there; it takes
 * that, and all else makes the connection useless anyway. */
static bool
is_stale_inside(struct conn *c)
{
    char byte;
    return conn_maybe_readable(c) && conn_try_read(c, &byte, 1) != -EAGAIN;
}

bool
conn_is_stale(struct conn *c)
{
    char byte;
    if (c->watch.fd < 0 || c->watch.ready & (WATCH_HANGUP | WATCH_ERROR))
        return true;
    if (c->transport)
        return is_stale_inside(c);
    if (!(c->watch.ready & WATCH_READ))
        return false;
    ssize_t got = recv(c->watch.fd, &byte, 1, MSG_PEEK);
    if (got >= 0 || errno != EAGAIN)
        return true;
    c->watch.ready &= ~(unsigned)WATCH_READ;
    return false;
}

bool
conn_is_stale_now(struct conn *c)
{
    c->watch.ready |= WATCH_READ;
    return conn_is_stale(c);
}

/* --- Writing --- */

static size_t
total(const struct iovec *iov, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += iov[i].iov_len;
    return sum;
}

static ssize_t
send_plain(struct conn *c, const struct iovec *iov, int n)
{
    struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
    ssize_t sent;
    do
        sent = n == 1 ? send(c->watch.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                      : sendmsg(c->watch.fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t
conn_send(struct conn *c, const struct iovec *iov, int n)
{
    if (!(c->watch.ready & (WATCH_WRITE | WATCH_ERROR)))
        return -EAGAIN;
    ssize_t sent = send_plain(c, iov, n);
    if (sent == -EAGAIN || (sent >= 0 && (size_t)sent < total(iov, n)))
        c->watch.ready &= ~(unsigned)WATCH_WRITE;
    if (sent == -EAGAIN && c->watch.ready & WATCH_ERROR)
        return -ECONNRESET;
    c->sent += sent > 0 ? (uint64_t)sent : 0;
    return sent;
}

/* Leaves in iov what is still to be sent; returns how many entries that are. */
static int
advance(struct iovec **iov, int n, size_t sent)
{
    while (n > 0 && sent >= (*iov)->iov_len) {
        sent -= (*iov)->iov_len;
        (*iov)++;
        n--;
    }
    if (n > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + sent;
        (*iov)->iov_len -= sent;
    }
    return n;
}

int
conn_writev(struct conn *c, struct iovec *iov, int n, uint64_t timeout_ms)
{
    n = advance(&iov, n, 0);
    while (n > 0) {
        unsigned want = WATCH_WRITE;
        int some = n < IOV_MAX ? n : IOV_MAX;
        if (c->watch.fd < 0)
            return -EBADF;
        ssize_t sent =
            c->transport ? c->transport->writev(c, iov, some, &want) : conn_send(c, iov, some);
        if (sent == -EAGAIN) {
            int e = watch_wait(&c->watch, want, clock_in(timeout_ms));
            if (e < 0)
                return e;
            continue;
        }
        if (sent < 0)
            return (int)sent;
        c->bytes_written += (uint64_t)sent;
        n = advance(&iov, n, (size_t)sent);
    }
    return 0;
}

int
conn_write(struct conn *c, const void *p, size_t n, uint64_t timeout_ms)
{
    struct iovec iov = { (void *)p, n };
    return conn_writev(c, &iov, 1, timeout_ms);
}

ssize_t
conn_try_write(struct conn *c, const void *p, size_t n)
{
    struct iovec iov = { (void *)p, n };
    unsigned want = WATCH_WRITE;
    if (c->watch.fd < 0)
        return -EBADF;
    ssize_t sent = c->transport ? c->transport->writev(c, &iov, 1, &want) : conn_send(c, &iov, 1);
    if (sent > 0)
        c->bytes_written += (uint64_t)sent;
    return sent;
}

/* One step of sendfile(2): bytes sent, -EAGAIN after clearing WATCH_WRITE, or an error. */
static ssize_t
sendfile_once(struct conn *c, int file, off_t *offset, size_t n)
{
    if (!(c->watch.ready & (WATCH_WRITE | WATCH_ERROR)))
        return -EAGAIN;
    ssize_t sent;
    do
        sent = sendfile(c->watch.fd, file, offset, n);
    while (sent < 0 && errno == EINTR);
    if (sent == 0)
        return -EIO;
    if (sent < 0 && errno == EAGAIN)
        c->watch.ready &= ~(unsigned)WATCH_WRITE;
    c->sent += sent > 0 ? (uint64_t)sent : 0;
    return sent < 0 ? -errno : sent;
}

/* Through a transport: bytes must pass through our hands to be sealed. */
static ssize_t
send_copied(struct conn *c, int file, off_t *offset, size_t n, uint64_t timeout_ms)
{
    struct buffer *b = buffer_take(BUFFER_SIZE);
    ssize_t got = pread(file, b->data, n < BUFFER_SIZE ? n : BUFFER_SIZE, *offset);
    ssize_t result = got > 0 ? got : got == 0 ? -EIO : -errno;
    if (got > 0) {
        int e = conn_write(c, b->data, (size_t)got, timeout_ms);
        if (e < 0)
            result = e;
        else
            *offset += got;
    }
    buffer_put(b);
    return result;
}

int
conn_sendfile(struct conn *c, int file, off_t *offset, size_t n, uint64_t timeout_ms)
{
    enum { STEP = 1 << 20 }; /* between two yields: a fast client must not hold the thread */
    bool copied = c->transport && !c->transport->sealed_by_kernel(c);
    while (n > 0) {
        if (c->watch.fd < 0)
            return -EBADF;
        size_t step = n < STEP ? n : STEP;
        ssize_t sent = copied ? send_copied(c, file, offset, step, timeout_ms)
                              : sendfile_once(c, file, offset, step);
        int e = 0;
        if (sent == -EAGAIN)
            e = watch_wait(&c->watch, WATCH_WRITE, clock_in(timeout_ms));
        else if (sent < 0)
            return (int)sent;
        else if (!copied)
            c->bytes_written += (uint64_t)sent;
        if (sent > 0 && (n -= (size_t)sent) > 0 && (size_t)sent == step)
            e = fiber_yield();
        if (e < 0)
            return e;
    }
    return 0;
}

int
conn_shutdown_write(struct conn *c)
{
    if (c->watch.fd < 0)
        return -EBADF;
    unsigned want = 0;
    if (c->transport)
        (void)c->transport->shutdown(c, &want);
    return shutdown(c->watch.fd, SHUT_WR) < 0 ? -errno : 0;
}

/* --- Connecting --- */

static int
bind_local(int fd, const struct address *local)
{
    int on = 1; /* the port is chosen when the peer is known: four times as many connections */
    if (address_port(local) == 0)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(fd, &local->any, local->size) < 0 ? -errno : 0;
}

static int
start_connect(const struct address *to, const struct address *bind_to, int *fd_out)
{
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int e = bind_to && bind_to->any.sa_family == to->any.sa_family ? bind_local(fd, bind_to) : 0;
    if (e == 0 && connect(fd, &to->any, to->size) < 0)
        e = -errno;
    if (e < 0 && e != -EINPROGRESS) {
        close(fd);
        return e;
    }
    *fd_out = fd;
    return e;
}

static int
await_connected(struct conn *c, uint64_t deadline)
{
    int error = 0;
    socklen_t size = sizeof error;
    int e = watch_wait(&c->watch, WATCH_WRITE, deadline);
    if (e < 0)
        return e;
    if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return -error;
}

int
conn_connect(struct conn *c, const struct address *to, const struct address *bind_to,
             uint64_t deadline)
{
    int fd = -1;
    *c = (struct conn){ .watch.fd = -1 };
    int started = start_connect(to, bind_to, &fd);
    if (started < 0 && started != -EINPROGRESS)
        return started;
    int e = conn_open(c, fd, started == 0 ? WATCH_WRITE : 0);
    if (e == 0 && started == -EINPROGRESS)
        e = await_connected(c, deadline);
    if (e < 0)
        conn_close(c);
    return e;
}

void
conn_set_nodelay(struct conn *c, bool on)
{
    int value = on;
    (void)setsockopt(c->watch.fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

void
conn_set_keepalive(struct conn *c, bool on)
{
    int value = on;
    (void)setsockopt(c->watch.fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value);
}
