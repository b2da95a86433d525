/* Groups of servers that do the same work: who gets the next request, over which connection.
 *
 * - struct upstream: a group as configured (an `upstream` block, or implied by a proxy_pass host),
 *   in a snapshot.
 * - struct peer: one address of one server as one thread sees it: its place in the balancing, its
 *   idle connections.
 * - struct attempt: one exchange's walk over the peers: pick, connect, report, release, next.
 *
 * What threads share about a peer (failures, max_conns count) is upstream/health.h: process-wide,
 * keyed by group name and address, so that it outlives reloads. Everything else belongs to one
 * thread. */
#pragma once

#include "config/compile.h"
#include "net/conn.h"
#include "net/resolve.h"
#include "tls/session.h"

struct upstream;
struct upstream_table; /* all groups of one configuration */
struct peer;
struct lane; /* upstream/pool.h */
struct view; /* upstream/view.h */

/* Directive set of this room: upstream { server … keepalive … }, resolver, resolver_timeout. */
extern const struct directive_set upstream_directives;

/* The group of that name if it was declared anywhere in the configuration, else NULL. Call from
 * compile_defer. */
struct upstream *upstream_find(struct compile *c, struct scope *s, struct str name);
/* The declared group whose name is nearly that one; STR_NONE when none is. */
struct str upstream_suggest(struct compile *c, struct str name);
/* A group of one server implied by "host:port" or "unix:/path" (proxy_pass to a name). The same
 * text gives the same group. Literal addresses are ready at once; names are resolved at start and
 * again by TTL. scope finds its `resolver`. NULL when the text is malformed (the caller says so).
 */
struct upstream *upstream_implied(struct compile *c, struct scope *s, struct str host_port,
                                  unsigned default_port);
struct str upstream_name(const struct upstream *u); /* as written, for $proxy_host and logs */

/* At run time: the declared group of that name, or NULL (proxy_pass with variables asks this
 * first). */
struct upstream *upstream_lookup(const struct upstream_table *t, struct str name);
/* At run time: a group for a host only known by the request (variables in proxy_pass). Resolves
 * now, may park. The result lives in arena a and shares pools by address. 0 or as resolve(). */
int upstream_adhoc(struct str host_port, unsigned default_port,
                   const struct resolver_settings *resolver, struct arena *a, struct upstream **out,
                   uint64_t deadline);
/* Settings of the resolver in force in that scope, or NULL: the system's. */
const struct resolver_settings *upstream_resolver(struct scope *s);

/* The table that the compile has filled; the snapshot keeps it. Its memory is the snapshot's arena,
 * shared states are counted. */
struct upstream_table *upstream_table_of(struct compile *c);
/* A thread begins and ends to use the table's groups (resolving their names in its loop, picking,
 * pooling). Idle connections of peers that no table in use names any more are closed. */
void upstream_table_start(struct upstream_table *t);
void upstream_table_stop(struct upstream_table *t);
/* At thread end, after the last stop and before the loop closes: closes what idle connections of
 * adhoc groups are left. */
void upstream_thread_fini(void);
/* Before the snapshot's arena goes: drops the counted shared states. Any thread, after all have
 * stopped. */
void upstream_table_fini(struct upstream_table *t);

/* A connection to a peer. Idle ones own no buffer and no fiber. */
struct upstream_conn {
    struct conn conn;   /* first */
    struct lane *lane;  /* the peer's connections */
    struct list link;   /* in the lane while idle, or shared */
    struct list age;    /* in the group's pool while idle, latest first */
    struct timer timer; /* keepalive_timeout while idle */
    uint64_t opened_ms;
    uint64_t local;              /* hash of the address it was bound to (proxy_bind); 0: none */
    struct str identity;         /* whom it may serve; own memory */
    struct tls_context *context; /* with it the certificate, if any: held, as the identity names */
    struct certificate *certificate; /* them by their addresses */
    struct h2_link *h2;              /* NULL: serves one exchange at a time */
    uint64_t serial;                 /* later ones of a thread have greater numbers */
    unsigned users;                  /* exchanges it serves now; counted with h2 only */
    bool settled;                    /* h2: the peer has said what it bears */
    bool retired;                    /* h2: begins no more streams */
    unsigned requests;               /* begun on it, this one included */
    bool reused; /* came from the pool: a failure before the first byte says nothing about the peer
                  */
};

/* What a connection is opened with. Requests whose identities differ never share one. */
struct connect_options {
    const struct address *bind;   /* proxy_bind; NULL: any */
    uint64_t timeout_ms;          /* proxy_connect_timeout, for the TLS handshake too */
    bool fresh;                   /* do not take an idle connection */
    bool socket_keepalive;        /* proxy_socket_keepalive */
    bool http2;                   /* a->conn->h2: shared by many exchanges */
    const struct tls_target *tls; /* NULL: plain. Its session_key is made here; 0 still means never
                                   */
    struct str identity;          /* all that tls says, and the protocol */
    struct str preface;           /* said first, before TLS; a part of the identity */
    struct connect_problem *problem; /* with tls or http2: what to say of a failure */
};

struct connect_problem {
    bool handshaking; /* the connection was there, and TLS was not */
    struct tls_problem tls;
};

/* One exchange's walk over a group's peers. Embedded, on one fiber. Each pick is ended by a report
 * and, when it connected, a release, in either order; picks that were not ended must not be left
 * behind. */
struct attempt {
    struct upstream *upstream;
    struct arena *arena;
    struct peer *peer;          /* picked; NULL before and after */
    struct upstream_conn *conn; /* connected; NULL before and after */
    unsigned picks;             /* how many peers were picked so far */
    /* private */
    struct view *view;           /* what the peer was picked from, pinned */
    struct peer *slot;           /* its place in that view */
    const struct health **tried; /* of all picks, in arena */
    uint64_t last_serial;        /* of the connections it had */
    bool reported;
};

void attempt_init(struct attempt *a, struct upstream *u, struct arena *arena);
/* Picks the next peer not tried yet: smooth weighted round robin over those available (not down,
 * not failed max_fails times within fail_timeout, below max_conns), then the backups. Waits until
 * deadline for a group whose names are not resolved yet. 0; -EHOSTUNREACH: no live peer is left;
 * -ENOENT: the names do not resolve. */
int attempt_pick(struct attempt *a, uint64_t deadline) __attribute__((warn_unused_result));
/* Takes a live idle connection of the peer or opens one; a->conn. With http2 it joins one that
 * bears another stream (fresh: one opened later than what this attempt had), or waits for one that
 * is being opened. 0 or -errno (the peer is not reported by this); -EKEYREJECTED and -EPROTO with
 * o->problem; -ENOPROTOOPT: the peer does not choose HTTP/2. */
int attempt_connect(struct attempt *a, const struct connect_options *o)
    __attribute__((warn_unused_result));
/* What came of it, for passive health (max_fails); once per pick. True when this failure has just
 * put the peer out ("upstream server temporarily disabled"). */
enum attempt_result { ATTEMPT_GOOD, ATTEMPT_FAILED, ATTEMPT_NEUTRAL };
bool attempt_report(struct attempt *a, enum attempt_result result);
/* Ends the connection's use: back to the pool (the response was read to its end and may be followed
 * by another) or closed. Before the report the peer stays picked and may be connected again: a
 * pooled connection that turned out dead is followed by a fresh one. */
void attempt_release(struct attempt *a, bool keep);
/* Address as in $upstream_addr; lives as long as the attempt's arena and table. */
struct str peer_name(const struct peer *p);
struct str peer_host(const struct peer *p); /* the server's text in the configuration */
size_t
upstream_peer_count(const struct upstream *u); /* of this thread's present view, without those
                                                  that are down: as many tries are worth it */
