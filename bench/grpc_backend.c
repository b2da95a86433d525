/* A very cheap gRPC server over cleartext HTTP/2, so that the backend is not what limits a
 * benchmark.
 *
 *     grpc_backend PORT
 *
 * Whatever the method, each request is answered when it has ended: one message of 64 bytes and the
 * trailer grpc-status: 0. It trusts its peers: it is for loopback and a benchmark, nothing else. */
#include "loopback.h"

#include <err.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE = 64, PREFIX = 5, STREAMS = 1024, BATCH = 256, WINDOW = 64 * 1024 };

struct conn {
    int fd;
    nghttp2_session *session;
    char *debt; /* what the socket did not take yet: owned, NULL when nothing */
    size_t paid;
    size_t owed;
};

static char window[WINDOW];
static nghttp2_session_callbacks *callbacks;

static nghttp2_nv
field(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                         strlen(value),
                         NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
}

static ssize_t
message(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
        nghttp2_data_source *source, void *user)
{
    memset(to, 'u', PREFIX + MESSAGE);
    memcpy(to, (uint8_t[]){ 0, 0, 0, 0, MESSAGE }, PREFIX);
    *flags = NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_nv trailer = field("grpc-status", "0");
    nghttp2_submit_trailer(session, id, &trailer, 1);
    return PREFIX + MESSAGE;
}

static int
answer(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    bool whole = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!whole || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
        return 0;
    nghttp2_nv head[] = { field(":status", "200"), field("content-type", "application/grpc") };
    nghttp2_data_provider body = { .read_callback = message };
    return nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &body);
}

/* Send what was left over. False: the connection is broken. */
static bool
pay(struct conn *conn)
{
    while (conn->paid < conn->owed) {
        size_t left = conn->owed - conn->paid;
        ssize_t n = send(conn->fd, conn->debt + conn->paid, left, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        conn->paid += (size_t)n;
    }
    free(conn->debt);
    conn->debt = NULL;
    conn->paid = conn->owed = 0;
    return true;
}

static bool
owe(struct conn *conn, size_t n)
{
    conn->debt = malloc(n);
    if (conn->debt == NULL)
        return false;
    memcpy(conn->debt, window, n);
    conn->owed = n;
    return pay(conn);
}

/* Send all frames that are ready in few pieces. False: the connection is broken. */
static bool
flush(struct conn *conn)
{
    if (conn->owed > 0 && !pay(conn))
        return false;
    while (conn->owed == 0) {
        size_t have = 0;
        const uint8_t *bytes;
        ssize_t n = 0;
        while (have < WINDOW / 2 && (n = nghttp2_session_mem_send(conn->session, &bytes)) > 0) {
            memcpy(window + have, bytes, (size_t)n);
            have += (size_t)n;
        }
        if (n < 0 || (have > 0 && !owe(conn, have)))
            return false;
        if (have == 0)
            return true;
    }
    return true;
}

/* False: the peer is gone or speaks no HTTP/2. */
static bool
take(struct conn *conn)
{
    for (;;) {
        ssize_t n = recv(conn->fd, window, WINDOW, 0);
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0 || nghttp2_session_mem_recv(conn->session, (uint8_t *)window, (size_t)n) < 0)
            return false;
        if (n < WINDOW)
            return true;
    }
}

static void
conn_close(struct conn *conn)
{
    nghttp2_session_del(conn->session);
    close(conn->fd);
    free(conn->debt);
    free(conn);
}

static void
welcome(int epoll, int listener)
{
    nghttp2_settings_entry most = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS };
    for (int fd; (fd = loopback_accept(listener)) >= 0;) {
        struct conn *conn = calloc(1, sizeof *conn);
        if (conn == NULL || nghttp2_session_server_new(&conn->session, callbacks, conn) != 0)
            err(1, "session");
        conn->fd = fd;
        nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, &most, 1);
        loopback_watch(epoll, fd, LOOPBACK_EVENTS, conn);
    }
}

static void
turn(struct conn *conn, uint32_t events)
{
    bool gone = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (gone || !take(conn) || !flush(conn))
        conn_close(conn);
}

int
main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: grpc_backend PORT");
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        errx(1, "no memory");
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, answer);
    int listener = loopback_listen(loopback_port(argv[1]));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    loopback_watch(epoll, listener, EPOLLIN | EPOLLET, NULL);

    for (;;) {
        struct epoll_event events[BATCH];
        int n = epoll_wait(epoll, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                welcome(epoll, listener);
            else
                turn(events[i].data.ptr, events[i].events);
        }
    }
}
