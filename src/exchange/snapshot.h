/* A configuration, compiled: immutable, counted, swapped by one pointer. An exchange keeps the one
 * it began with. */
#pragma once

#include "base/thread.h"
#include "exchange/hosts/location.h"
#include "observe/log.h"
#include "upstream/upstream.h"

struct tls_servers;
struct zones;
struct challenge;

struct snapshot {
    struct arena arena;
    struct sources sources;
    struct compile compile;     /* kept for its tables (sets) */
    _Atomic unsigned holds;     /* one a thread that uses it, one for the process */
    unsigned uses[THREADS_MAX]; /* exchanges under way, each counted by its own thread */
    uint64_t generation;        /* 1, 2, 3 … in this process */
    struct listen_address **listens;
    unsigned n_listens;
    struct virtual_server **servers;
    unsigned n_servers;
    struct variable_table variables;
    struct regex *regexes; /* all compiled, for regexes_free */
    unsigned n_variables;
    struct upstream_table *upstreams;
    struct challenge *challenge;       /* exchange/limits/challenge.h's; NULL: none */
    struct zones *zones;               /* exchange/zones/zone.c's; NULL: none */
    void *const *main_settings;        /* the main scope's, by set */
    struct tls_servers *tls_servers;   /* exchange/secure/tls_server.c's; NULL: no TLS */
    const struct error_log *error_log; /* the main scope's */
};

/* What a compile is asked to do. */
struct snapshot_request {
    struct str path;       /* configuration file, absolute; STR_NONE with text */
    struct str text;       /* usher proxy: the whole configuration */
    struct str directives; /* -g */
    struct str prefix;
    const struct sources
        *sources; /* NULL: read the file system; else the sealed ones of the supervisor */
    const struct directive_set *const *sets; /* all rooms' and features' */
};

/* Parses and compiles. Always returns a snapshot (for its diagnostics' arena); usable only when
 * d->errors is 0. Binds and opens nothing. */
struct snapshot *snapshot_compile(const struct snapshot_request *r, struct diags *d);
/* Frees a snapshot that was never adopted, or whose last hold is gone. */
void snapshot_free(struct snapshot *s);
const struct listen_address *snapshot_listen(const struct snapshot *s, struct str text);

/* --- the process's current snapshot, seen by each thread --- */
/* The calling thread takes s as current (NULL: none any more): its upstream tables start, the
 * former's stop when its last exchange ends. */
void snapshot_adopt(struct snapshot *s);
/* The thread's current; NULL before the first. */
struct snapshot *snapshot_current(void);
/* The process's own hold, from the thread that publishes it until every loop thread has adopted its
 * successor. Any thread. */
void snapshot_hold(struct snapshot *s);
void snapshot_drop(struct snapshot *s);
/* An exchange begins / ends its use of s in this thread. */
void snapshot_use(struct snapshot *s);
void snapshot_unuse(struct snapshot *s);
/* How many snapshots are alive in the process, for the test that old ones are freed and the status
 * page. */
unsigned snapshot_count(void);
