/* Zones: state that a directive names (limit_req_zone, limit_conn_zone, keyval_zone …), common to
 * all threads.
 *
 * A zone's declaration lives in its snapshot, its state in the process: it goes on over reloads as
 * long as the next configuration declares the same kind, name, key and size, and is closed when no
 * snapshot has it any more. One that was changed begins anew, with a notice. Names are one space,
 * whatever the kind. The state's locks are its kind's. */
#pragma once

#include "config/compile.h"

struct snapshot;
struct zone;

struct zone_kind {
    const char *directive; /* that declares them: "limit_req_zone" */
    /* The state of a zone just declared. NULL with errno: the configuration is refused. Called
     * under a lock, by the compiling thread; in the supervisor too, where nobody uses it. */
    void *(*open)(const struct zone *z);
    void (*close)(void *state);
};

struct zone {
    const struct zone_kind *kind;
    struct str name;
    struct str key;  /* as written, with whatever else tells one state from another; may be "" */
    uint64_t size;   /* bytes; 0 while it is not declared */
    const void *own; /* the directive's: what holds in this snapshot only */
    void *state;     /* NULL until the whole text was compiled without an error */
    struct zone_state *shared; /* private */
    bool renewed;              /* there was one of this name with another key or size */
};

/* "name:size" of a zone= parameter, in nginx's words at that word. The name may be empty. */
bool zone_parse(struct setting *s, unsigned word, struct str text, struct zone *out);
/* For .set of the declaring directive: kind, name, key, size and own are taken from `wanted`. NULL
 * (reported at the word) when the name is taken. */
struct zone *zone_declare(struct setting *s, unsigned word, const struct zone *wanted);
/* For .set of a directive that uses one, which may be declared further down; that it is nowhere is
 * reported at the end of the compile. NULL (reported) when the name is of another kind. */
const struct zone *zone_use(struct setting *s, unsigned word, const struct zone_kind *kind,
                            struct str name);
/* The snapshot is taken into use: logs which zones begin anew. */
void zones_tell(const struct snapshot *s);
/* How many states live in the process, for tests. */
size_t zone_count(void);
