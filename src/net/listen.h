/* Listening sockets: made by the supervisor, used by the worker's threads. */
#pragma once

#include "net/address.h"

struct listen_options {
    struct address address;
    bool reuseport; /* set for every inet listener: one socket a thread */
    bool ipv6only;
    int backlog;
    int fastopen;       /* -1: off */
    int rcvbuf, sndbuf; /* 0: the system's */
    bool deferred;      /* TCP_DEFER_ACCEPT */
    int so_keepalive;   /* -1 as the system, 0 off, 1 on */
    unsigned keepidle, keepintvl, keepcnt;
};

/* A bound, listening, non-blocking, close-on-exec socket, or -errno; *step names the call that
 * failed ("bind()"). */
int listen_open(const struct listen_options *o, const char **step);
/* Applies what may change while listening (backlog, keepalive …) to a socket that is inherited. */
void listen_apply(int fd, const struct listen_options *o);
