/* A server's name kept resolved, for as long as a thread uses its table.
 *
 * Each thread asks for itself: views are a thread's own, so nothing crosses threads, no thread's
 * death leaves the others with stale addresses, and the resolver's cache makes one question of what
 * several groups ask. Asked at start and again by TTL; a failure keeps the last good addresses and
 * is asked again after 1, 2, 4 … 30 seconds. */
#pragma once

#include "upstream/table.h"

struct discovery;

/* Adds one to g->discoveries and asks at once. */
void discovery_open(struct local_group *g, const struct server *s);
/* Takes it out of its group; a question under way is cancelled. */
void discovery_close(struct discovery *d);
/* The last good answer for that server of the group, sorted; 0 when there was none yet. */
unsigned discovery_addresses(const struct local_group *g, const struct server *s,
                             const struct address **out);
