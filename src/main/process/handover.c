/* SOCK_SEQPACKET keeps messages whole and in order, and tells when the other side is gone. */
#include "main/process/handover.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 3 };

int
handover_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    struct timeval patience = { .tv_sec = PATIENCE_S };
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return 0;
}

union ancillary {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int))];
};

static void
attach(struct msghdr *m, union ancillary *room, int fd)
{
    m->msg_control = room->space;
    m->msg_controllen = sizeof room->space;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

/* Descriptors under way are counted (ETOOMANYREFS): the other side is just taking some. */
static bool
may_try_again(int error, unsigned *waits)
{
    if (error != ETOOMANYREFS || *waits >= PATIENCE_S * 1000)
        return error == EINTR;
    *waits += 1;
    usleep(1000);
    return true;
}

int
handover_send(int to, enum handover_kind kind, unsigned number, struct str text, int fd)
{
    unsigned head[2] = { kind, number };
    struct iovec parts[2] = { { head, sizeof head }, { (void *)(uintptr_t)text.p, text.n } };
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
    union ancillary room = { 0 };
    if (fd >= 0)
        attach(&m, &room, fd);
    ssize_t n;
    unsigned waits = 0;
    while ((n = sendmsg(to, &m, MSG_NOSIGNAL)) < 0 && may_try_again(errno, &waits))
        continue;
    return n < 0 ? -errno : 0;
}

static int
detach(struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    int fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

int
handover_receive(int from, struct handover *out)
{
    unsigned head[2] = { 0 };
    struct iovec parts[2] = { { head, sizeof head }, { out->text, sizeof out->text } };
    union ancillary room;
    struct msghdr m = { .msg_iov = parts,
                        .msg_iovlen = 2,
                        .msg_control = room.space,
                        .msg_controllen = sizeof room.space };
    ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == ECONNRESET ? 0 : -errno;
    if (n == 0)
        return 0;
    out->kind = head[0];
    out->number = head[1];
    out->n = (size_t)n > sizeof head ? (size_t)n - sizeof head : 0;
    out->fd = detach(&m);
    return 1;
}
