/* struct conn: a connected stream socket with blocking-style calls for fibers.
 *
 * Reads and writes try the system call first when the descriptor is thought ready, and park
 * otherwise. A transport (TLS) may stand between; plain sockets have none and pay nothing.
 * Deadlines are clock_ms() moments. All calls return a count or 0, or a negative errno: -ETIMEDOUT,
 * -ECANCELED, -ECONNRESET, -EPIPE… */
#pragma once

#include "fiber/loop.h"
#include "net/address.h"

#include <sys/uio.h>

struct conn;

/* What TLS puts between; each like the plain call of the same name, never blocking: -EAGAIN with
 * *want set to the watch bit. After that of writev, the same bytes must come first the next time:
 * they may be sealed and on their way. */
struct transport {
    ssize_t (*read)(struct conn *c, void *p, size_t n, unsigned *want);
    ssize_t (*writev)(struct conn *c, const struct iovec *iov, int n, unsigned *want);
    int (*shutdown)(struct conn *c, unsigned *want); /* close_notify */
    void (*fini)(struct conn *c);
    bool (*pending)(const struct conn *c);          /* decrypted bytes wait inside */
    bool (*sealed_by_kernel)(const struct conn *c); /* the socket takes plaintext */
};

struct conn {
    struct watch watch;                /* first */
    const struct transport *transport; /* NULL: plain */
    void *session;                     /* the transport's */
    uint64_t bytes_read, bytes_written;
    uint64_t sent;  /* taken by the socket: what a transport has made of bytes_written */
    unsigned burst; /* full reads since the last wait; the conn's own */
    void *owner;    /* whose it is, for watch.on_event; the conn does not look at it */
};

/* Takes the fd (closes it in conn_close). `ready` as in watch_open. 0 or -errno (fd is closed
 * then). */
int conn_open(struct conn *c, int fd, unsigned ready);
void conn_close(struct conn *c);
/* Sets SO_LINGER 0 first: the peer gets a RST, and from a transport no word that all was said. */
void conn_reset(struct conn *c);

static inline bool
conn_is_open(const struct conn *c)
{
    return c->watch.fd >= 0;
}

/* > 0 bytes, 0 at the end of the stream, or -errno. Full reads in a row yield now and then, so that
 * a fast peer does not hold the thread. */
ssize_t conn_read(struct conn *c, void *p, size_t n, uint64_t deadline)
    __attribute__((warn_unused_result));
/* The same without parking: -EAGAIN when nothing is there. */
ssize_t conn_try_read(struct conn *c, void *p, size_t n);
/* Waits until a read would not block (or has ended). 0 or -errno. */
int conn_wait_readable(struct conn *c, uint64_t deadline) __attribute__((warn_unused_result));
/* True when a read is worth trying now without parking. */
bool conn_maybe_readable(const struct conn *c);
/* Writes everything; changes iov as it goes. Each wait for room in the socket may last `timeout_ms`
 * (send_timeout is between two writes, not for the whole). 0 or -errno. */
int conn_writev(struct conn *c, struct iovec *iov, int n, uint64_t timeout_ms)
    __attribute__((warn_unused_result));
int conn_write(struct conn *c, const void *p, size_t n, uint64_t timeout_ms)
    __attribute__((warn_unused_result));
/* As much as goes without parking: > 0 bytes, or -EAGAIN (room is told by WATCH_WRITE), or -errno.
 */
ssize_t conn_try_write(struct conn *c, const void *p, size_t n) __attribute__((warn_unused_result));
/* sendfile(2), or read + write where a transport seals. Sends exactly n bytes from *offset
 * (updated) or fails; -EIO when the file is shorter. */
int conn_sendfile(struct conn *c, int file, off_t *offset, size_t n, uint64_t timeout_ms)
    __attribute__((warn_unused_result));
/* Half-closes the sending side. */
int conn_shutdown_write(struct conn *c);
/* Cheap look whether an idle connection is dead (hangup seen, or bytes where none may be): no
 * system call when the watch knows, else one recv. A stale one is good for closing only. */
bool conn_is_stale(struct conn *c);
/* The same, asking the kernel in any case: for what cannot be sent twice. */
bool conn_is_stale_now(struct conn *c);
/* Did the peer's kernel take anything of what was sent after the first `before` bytes? True when
 * that is not known (unix sockets). A peer that had closed before it came has not: that much can be
 * sent again, whatever it is. */
bool conn_was_heard(const struct conn *c, uint64_t before);
/* Connects a new non-blocking socket. bind_to may be NULL. 0 or -errno. */
int conn_connect(struct conn *c, const struct address *to, const struct address *bind_to,
                 uint64_t deadline) __attribute__((warn_unused_result));
/* Socket options a conn's owner may want; errors are ignored as they only cost speed. */
void conn_set_nodelay(struct conn *c, bool on);
void conn_set_keepalive(struct conn *c, bool on);

/* --- For transports: the socket itself, as far as the watch thinks it ready. --- */

/* > 0 bytes, 0 at the end of the stream, -EAGAIN or -errno; never parks. */
ssize_t conn_recv(struct conn *c, void *p, size_t n);
/* Bytes sent, -EAGAIN or -errno; never parks. */
ssize_t conn_send(struct conn *c, const struct iovec *iov, int n);
