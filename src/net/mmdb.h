/* Databases of addresses in MaxMind's format (GeoIP2, GeoLite2): a mapped file, one for all that
 * name it in the process, which may be exchanged for a newer one while it is used.
 *
 * A file is exchanged by renaming another into its place; it must not be overwritten. */
#pragma once

#include "net/address.h"

struct mmdb;

/* The database of that absolute path, held; the file is opened anew when it has changed since. What
 * cannot be read leaves the one in use as it was: *problem tells, and the database is returned
 * still. NULL and *problem: there is none. *problem lives as long as the program. Any thread. */
struct mmdb *mmdb_hold(struct str path, const char **problem);
void mmdb_drop(struct mmdb *m);

enum mmdb_news { MMDB_SAME, MMDB_CHANGED, MMDB_BROKEN };
/* Looks whether the file has changed, if nobody has done so for interval_ms. Loop threads only. */
enum mmdb_news mmdb_refresh(struct mmdb *m, uint64_t interval_ms, const char **problem);

/* The value at `path` (names of map keys, indices of arrays; ends with NULL) of what is known of
 * the address, as text in the arena; STR_NONE: nothing. Loop threads only. */
struct str mmdb_find(struct mmdb *m, const struct address *who, const char *const *path,
                     struct arena *a);

/* Seconds since 1970. */
struct mmdb_times {
    uint64_t built, checked, changed;
};
struct mmdb_times mmdb_times(struct mmdb *m);
