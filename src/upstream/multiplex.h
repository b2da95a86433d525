/* HTTP/2 connections to a peer, each shared by as many exchanges as the peer bears.
 *
 * While one is being opened, others wait for it rather than open their own: what was not settled
 * yet is not known to bear more than one. */
#pragma once

#include "fiber/sync.h"
#include "upstream/table.h"

struct multiplex {
    struct list links; /* struct upstream_conn.link: those in use */
    struct list opening;
    struct fiber_condition changed;
};

void multiplex_init(struct multiplex *m);
/* Joins a connection that bears another stream (later than number `after`), or opens one, to that
 * address. 0 or -errno. Until its stream is opened the caller must not park. */
int multiplex_join(struct lane *l, const struct address *to, const struct connect_options *o,
                   const struct keepalive *k, uint64_t after, struct upstream_conn **out);
/* Ends one exchange's use; its stream was closed. */
void multiplex_leave(struct upstream_conn *c, const struct keepalive *k);
