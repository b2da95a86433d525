/* DNS for fibers: c-ares in the thread's loop, with a per-thread cache that honours TTLs. Reads
 * /etc/hosts too.
 *
 * Without a `resolver` the system's settings are used. */
#pragma once

#include "fiber/fiber.h"
#include "net/address.h"

struct resolver_settings { /* of the `resolver` directive; NULL pointers mean the system's */
    const struct address *servers;
    unsigned n_servers;
    uint64_t valid_ms;   /* 0: the answer's TTL */
    uint64_t timeout_ms; /* resolver_timeout */
    bool ipv4, ipv6;
};

struct answer {
    struct address *addresses; /* in the caller's arena, port 0 */
    unsigned n;
    uint64_t fresh_until; /* clock_ms moment */
};

/* Parks until answered. 0, -ENOENT (no such name or no address), -ETIMEDOUT, -ECANCELED, -EAGAIN
 * (server failure). settings NULL: the system's. */
int resolve(struct str name, const struct resolver_settings *settings, struct arena *a,
            struct answer *out, uint64_t deadline) __attribute__((warn_unused_result));
/* Forgets the thread's cache and channel; at thread end. */
void resolve_fini(void);
