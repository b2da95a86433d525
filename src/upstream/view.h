/* A thread's view of a group: its peers at this moment, primary servers first, then the backups.
 *
 * Built from the servers' literal addresses and the last good answers for their names. A new answer
 * makes a new view; picks under way keep the one they were made from. */
#pragma once

#include "upstream/health.h"
#include "upstream/table.h"

struct peer {
    const struct server *server;
    struct str name; /* its address */
    struct address address;
    struct health *health; /* counted by the view */
    struct lane *lane;     /* counted by the view */
    struct health_limits limits;
    int current, effective; /* smooth weighted round robin */
};

struct view {
    struct arena arena;  /* the names' */
    unsigned pins;       /* one of the group while it is its present view, one a pick */
    bool fixed;          /* no name in the group: lives as long as the table is in use */
    unsigned n, primary; /* all peers, and how many of them are no backups */
    struct peer peers[];
};

/* Peers that the group's present view (if any) has too take their place in the balancing along. */
struct view *view_build(struct local_group *g);
/* One pin less. */
void view_retire(struct view *v);
/* Limits of one of the n peers of a view: a peer that is alone is never marked failed. */
struct health_limits view_limits(const struct server *s, unsigned n);
