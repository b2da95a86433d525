/* A bare byte relay: the least that any proxy can do, and so the floor that bench/ measures from.
 *
 *     relay PORT UPSTREAM_PORT
 *
 * Each client connection is tied to one connection to the upstream, and bytes are copied both ways
 * through one 64 KiB window. Nothing is parsed. When a client leaves, its upstream connection is
 * parked for the next client, as a proxy with an upstream pool would do; bytes that arrive on a
 * parked connection belong to nobody, and end it. Only what a slow reader leaves over is allocated.
 */
#include "loopback.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WINDOW = 64 * 1024, BATCH = 256 };

/* One socket of a pair. Freed at the end of the loop's turn, for the turn may hold its events. */
struct end {
    int fd; /* -1: closed */
    bool upstream;
    bool asked; /* of an upstream: bytes went to it and none came back since */
    bool readable;
    bool writable;
    bool hung_up;
    struct end *peer; /* NULL: parked or closed */
    struct end *next; /* in parked or in closed */
    char *debt;       /* what the socket did not take yet: owned, NULL when nothing */
    size_t paid;
    size_t owed;
};

static char window[WINDOW];
static struct end *parked;
static struct end *closed;
static uint16_t upstream_port;
static int epoll;

static struct end *
watch(int fd, bool upstream)
{
    struct end *end = calloc(1, sizeof *end);
    if (end == NULL)
        err(1, "calloc");
    end->fd = fd;
    end->upstream = upstream;
    loopback_watch(epoll, fd, LOOPBACK_EVENTS, end);
    return end;
}

static void
end_close(struct end *end)
{
    close(end->fd);
    end->fd = -1;
    end->peer = NULL;
    free(end->debt);
    end->debt = NULL;
    end->next = closed;
    closed = end;
}

static void
free_closed(void)
{
    while (closed != NULL) {
        struct end *end = closed;
        closed = end->next;
        free(end);
    }
}

static void
park(struct end *upstream)
{
    upstream->peer = NULL;
    upstream->next = parked;
    parked = upstream;
}

/* Take one upstream out of the pool that something happened to while it was parked. */
static void
unpark(struct end *upstream)
{
    for (struct end **at = &parked; *at != NULL; at = &(*at)->next) {
        if (*at == upstream) {
            *at = upstream->next;
            return;
        }
    }
}

/* The most recently parked connection, or a new one; NULL when the upstream cannot be reached. */
static struct end *
take_upstream(void)
{
    if (parked != NULL) {
        struct end *end = parked;
        parked = end->next;
        return end;
    }
    int fd = loopback_connect(upstream_port);
    return fd < 0 ? NULL : watch(fd, true);
}

static void
part(struct end *end)
{
    struct end *upstream = end->upstream ? end : end->peer;
    struct end *client = upstream->peer;
    end_close(client);
    if (upstream->asked || upstream->hung_up || upstream->readable || upstream->debt != NULL)
        end_close(upstream);
    else
        park(upstream);
}

/* Send what fits of n bytes; returns how many were taken, or -1 when the socket is broken. */
static ssize_t
offer(struct end *to, const char *p, size_t n)
{
    ssize_t sent = send(to->fd, p, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return -1;
    if (sent < (ssize_t)n)
        to->writable = false;
    return sent < 0 ? 0 : sent;
}

static void
owe(struct end *to, const char *p, size_t n)
{
    to->debt = malloc(n);
    if (to->debt == NULL)
        err(1, "malloc");
    memcpy(to->debt, p, n);
    to->paid = 0;
    to->owed = n;
}

static bool
pay(struct end *to)
{
    if (to->debt == NULL || !to->writable)
        return true;
    ssize_t sent = offer(to, to->debt + to->paid, to->owed - to->paid);
    if (sent < 0)
        return false;
    to->paid += (size_t)sent;
    if (to->paid == to->owed) {
        free(to->debt);
        to->debt = NULL;
    }
    return true;
}

static bool
forward(struct end *to, size_t n)
{
    to->asked = to->upstream;
    to->peer->asked = false;
    ssize_t sent = offer(to, window, n);
    if (sent < 0)
        return false;
    if ((size_t)sent < n)
        owe(to, window + sent, n - (size_t)sent);
    return true;
}

/* Copy until one side blocks. False: the pair has come to its end. */
static bool
pump(struct end *from, struct end *to)
{
    if (!pay(to))
        return false;
    while (from->readable && to->writable && to->debt == NULL) {
        ssize_t n = recv(from->fd, window, WINDOW, 0);
        bool nothing = n < 0 && errno == EAGAIN;
        if (!nothing && (n <= 0 || !forward(to, (size_t)n)))
            return false;
        if (nothing || (n < WINDOW && !from->hung_up))
            from->readable = false; /* drained: more bytes come with a new edge */
    }
    return true;
}

static void
turn(struct end *end, uint32_t events)
{
    if (end->fd < 0)
        return;
    if (events & EPOLLOUT)
        end->writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        end->hung_up = true;
    if (events & EPOLLIN || end->hung_up)
        end->readable = true;
    if (end->peer != NULL) {
        if (!pump(end, end->peer) || !pump(end->peer, end))
            part(end);
    } else if (end->readable) {
        unpark(end);
        end_close(end);
    }
}

static void
welcome(int listener)
{
    for (int fd; (fd = loopback_accept(listener)) >= 0;) {
        struct end *upstream = take_upstream();
        if (upstream == NULL) {
            close(fd);
            continue;
        }
        struct end *client = watch(fd, false);
        client->peer = upstream;
        upstream->peer = client;
    }
}

int
main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: relay PORT UPSTREAM_PORT");
    upstream_port = loopback_port(argv[2]);
    int listener = loopback_listen(loopback_port(argv[1]));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    loopback_watch(epoll, listener, EPOLLIN | EPOLLET, NULL);

    for (;;) {
        struct epoll_event events[BATCH];
        int n = epoll_wait(epoll, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                welcome(listener);
            else
                turn(events[i].data.ptr, events[i].events);
        }
        free_closed();
    }
}
