/* Idle connections of the calling thread: a pool a group, in it a lane a peer.
 *
 * A lane gives its latest connection first, so that surplus ones age and time out. The pool closes
 * its oldest when the group has more than `keepalive`. Keyed by group name and address like health,
 * so that a reload finds the connections it had. An idle connection on which anything happens is
 * closed at once. */
#pragma once

#include "upstream/multiplex.h"
#include "upstream/table.h"

/* linger: the holder comes and goes (an adhoc group), so idle connections stay until they time out
 * even when nobody holds the lane; otherwise the last drop closes them. */
struct lane *lane_hold(struct str group, const struct address *a, bool linger);
void lane_drop(struct lane *l);
/* A live idle connection that was opened with such options, or NULL. */
struct upstream_conn *lane_take(struct lane *l, const struct connect_options *o);
/* Those that are shared. */
struct multiplex *lane_multiplex(struct lane *l);
/* Takes c: keeps it idle, or closes it when it may not be used again. */
void lane_put(struct lane *l, struct upstream_conn *c, const struct keepalive *k);

/* May it serve what asks for these options? */
bool upstream_conn_fits(const struct upstream_conn *c, const struct connect_options *o);
/* May it begin no more requests? */
bool upstream_conn_is_worn_out(const struct upstream_conn *c, const struct keepalive *k);
/* Closes and frees; idle or in use. */
void upstream_conn_close(struct upstream_conn *c);

/* Closes an idle connection of this thread: its descriptor is needed. False when there is none. */
bool pool_evict(void);

/* Of this thread: idle connections, and lanes. */
size_t pool_idle_count(void);
size_t pool_lane_count(void);
