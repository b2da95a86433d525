/* All groups of one configuration: what was declared, what proxy_pass implied, and what each thread
 * makes of them.
 *
 * The configured part is immutable after the compile. A thread's part (struct local_group) is made
 * by upstream_table_start and touched by that thread only. */
#pragma once

#include "base/thread.h"
#include "fiber/sync.h"
#include "upstream/upstream.h"

/* One `server` line. */
struct server {
    struct server *next;
    struct str text;        /* as written */
    struct str host;        /* to be resolved; STR_NONE when the address is literal */
    struct address address; /* when literal */
    unsigned port;
    unsigned weight, max_fails, max_conns; /* max_conns 0: no limit */
    uint64_t fail_timeout_ms;
    bool backup, down;
};

struct keepalive {
    unsigned max; /* idle connections of the group in a thread; 0: none are kept */
    unsigned requests;
    uint64_t timeout_ms, time_ms;
};

/* Picks one of view->peers[from..to) for which attempt_may says yes, or NULL. */
typedef struct peer *balance_fn(struct view *v, unsigned from, unsigned to,
                                const struct attempt *a);

struct upstream {
    struct str name;
    struct server *servers, **servers_end;
    struct keepalive keepalive;
    const struct resolver_settings *resolver;
    balance_fn *balance;
    struct upstream_table *table; /* NULL: for one exchange only (adhoc.c) */
    unsigned index;               /* in the table */
    struct view *own;             /* when there is no table */
};

struct discovery;

/* A group in a thread. */
struct local_group {
    struct upstream *upstream;
    struct view *view;             /* never NULL; counted */
    struct discovery *discoveries; /* one a name */
    unsigned unanswered;           /* of them, those that were never answered yet */
    struct fiber_condition changed;
};

struct table_thread {
    unsigned n;
    struct local_group groups[];
};

struct upstream_table {
    struct arena *arena;
    struct map declared, implied; /* name → struct upstream */
    struct upstream **groups;
    unsigned n, cap;
    struct table_thread *threads[THREADS_MAX]; /* each its own thread's */
};

/* Adds a group under its name; NULL when the name is taken in that map. */
struct upstream *upstream_table_add(struct upstream_table *t, struct map *map, struct str name);
/* A server line from its text. False when malformed; *problem is nginx's word for it. */
bool server_parse(struct server *s, struct str text, unsigned default_port, const char **problem);
void upstream_add_server(struct upstream *u, struct server *s);

/* The group as the calling thread has it. */
static inline struct local_group *
upstream_local(const struct upstream *u)
{
    return &u->table->threads[thread_index]->groups[u->index];
}

static inline bool
server_is_name(const struct server *s)
{
    return s->host.n > 0;
}
