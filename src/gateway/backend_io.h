/* Bytes to and from a backend's connection, for the client codecs that have it to themselves: with
 * the gateway's time-outs, and counted. */
#pragma once

#include "gateway/gateway.h"

struct conn *backend_conn(struct gateway *g);
/* 0 or -errno; changes iov. */
int backend_writev(struct gateway *g, struct iovec *iov, int n) __attribute__((warn_unused_result));
int backend_sendfile(struct gateway *g, int file, off_t offset, size_t n)
    __attribute__((warn_unused_result));
/* More bytes into g->in, which is only held while there are some; room for at most `most` unread
 * ones. > 0, 0 at the end, or -errno. */
ssize_t backend_fill(struct gateway *g, size_t most) __attribute__((warn_unused_result));
/* The same for a head that is not whole yet: -EMSGSIZE when it has outgrown buffer_size. */
ssize_t backend_fill_head(struct gateway *g) __attribute__((warn_unused_result));
/* A view into g->in; who takes from it moves g->start. */
struct str backend_unread(const struct gateway *g);
