/* A very cheap HTTP/1.1 origin, so that the backend is not what limits a benchmark.
 *
 *     backend PORT
 *
 * A path that begins with /256k answers 256 KiB, one with /static/ 4 KiB, any other 1 KiB; a
 * request body is read and forgotten. Answers are built once and sent from where they lie. It
 * trusts its peers: it is for loopback and a benchmark, nothing else.
 *
 * A request that says Connection: close gets an answer that says so too, and the hanging up is left
 * to the peer: a load generator closes, and a relay that knows no HTTP keeps its connection. */
#include "loopback.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, SINK = 64 * 1024, BATCH = 256 };

struct answer {
    const char *path; /* the beginning of the paths it belongs to */
    size_t body;
    char *bytes[2]; /* [0] keeps the connection, [1] says Connection: close */
    size_t n[2];
};

static struct answer answers[] = {
    { .path = "/256k", .body = 256 * 1024 },
    { .path = "/static/", .body = 4 * 1024 },
    { .path = "/", .body = 1024 },
};
enum { ANSWERS = sizeof answers / sizeof *answers };

struct conn {
    int fd;
    bool readable;
    size_t have;      /* bytes of head[] */
    size_t body_left; /* of the request being read */
    const char *out;  /* what is still to be sent */
    size_t out_left;
    char head[HEAD_MAX];
};

static char sink[SINK];

static void
build(struct answer *answer, bool close)
{
    char *p = malloc(answer->body + 256);
    if (p == NULL)
        err(1, "malloc");
    int head = sprintf(p,
                       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                       "%s\r\n",
                       answer->body, close ? "Connection: close\r\n" : "");
    memset(p + head, 'u', answer->body);
    answer->bytes[close] = p;
    answer->n[close] = (size_t)head + answer->body;
}

static const struct answer *
answer_for(const char *head)
{
    const char *space = strchr(head, ' ');
    const char *path = space == NULL ? head : space + 1;
    for (int i = 0; i < ANSWERS - 1; i++) {
        if (strncmp(path, answers[i].path, strlen(answers[i].path)) == 0)
            return &answers[i];
    }
    return &answers[ANSWERS - 1];
}

static size_t
body_length(const char *head)
{
    if (strncmp(head, "POST ", 5) != 0)
        return 0;
    const char *field = strcasestr(head, "\r\ncontent-length:");
    return field == NULL ? 0 : strtoul(field + 17, NULL, 10);
}

/* Send what is due. False: the connection is broken. */
static bool
answer(struct conn *conn)
{
    while (conn->out_left > 0) {
        ssize_t n = send(conn->fd, conn->out, conn->out_left, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        conn->out += n;
        conn->out_left -= (size_t)n;
    }
    return true;
}

/* Begin the request whose head of n bytes has arrived whole, and keep what came after it. */
static void
begin(struct conn *conn, size_t n)
{
    conn->head[n - 1] = '\0'; /* the last LF of the empty line */
    const struct answer *chosen = answer_for(conn->head);
    bool close = strcasestr(conn->head, "\r\nconnection: close\r\n") != NULL;
    size_t body = body_length(conn->head);
    size_t body_here = conn->have - n < body ? conn->have - n : body;
    conn->out = chosen->bytes[close];
    conn->out_left = chosen->n[close];
    conn->body_left = body - body_here;
    conn->have -= n + body_here;
    memmove(conn->head, conn->head + n + body_here, conn->have);
}

/* Read once, into the head or past the body. False: the peer is gone or sends no request. */
static bool
take(struct conn *conn)
{
    bool body = conn->body_left > 0;
    char *to = body ? sink : conn->head + conn->have;
    size_t room = body ? SINK : HEAD_MAX - conn->have;
    if (body && conn->body_left < room)
        room = conn->body_left;
    ssize_t n = recv(conn->fd, to, room, 0);
    if (n < 0 && errno == EAGAIN)
        conn->readable = false;
    else if (n <= 0)
        return false;
    else if (body)
        conn->body_left -= (size_t)n;
    else
        conn->have += (size_t)n;
    if (n > 0 && (size_t)n < room)
        conn->readable = false;
    return true;
}

/* Serve until the peer has to speak or to listen. False: the connection is over. */
static bool
serve(struct conn *conn)
{
    for (;;) {
        if (conn->body_left == 0 && !answer(conn))
            return false;
        if (conn->body_left == 0 && conn->out_left > 0)
            return true;
        char *end = conn->body_left > 0 ? NULL : memmem(conn->head, conn->have, "\r\n\r\n", 4);
        if (end != NULL)
            begin(conn, (size_t)(end - conn->head) + 4);
        else if (!conn->readable)
            return true;
        else if (!take(conn))
            return false;
    }
}

static void
welcome(int epoll, int listener)
{
    for (int fd; (fd = loopback_accept(listener)) >= 0;) {
        struct conn *conn = calloc(1, sizeof *conn);
        if (conn == NULL)
            err(1, "calloc");
        conn->fd = fd;
        loopback_watch(epoll, fd, LOOPBACK_EVENTS, conn);
    }
}

static void
turn(struct conn *conn, uint32_t events)
{
    bool gone = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (events & EPOLLIN)
        conn->readable = true;
    if (gone || !serve(conn)) {
        close(conn->fd);
        free(conn);
    }
}

int
main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: backend PORT");
    for (int i = 0; i < 2 * ANSWERS; i++)
        build(&answers[i / 2], i % 2);
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
