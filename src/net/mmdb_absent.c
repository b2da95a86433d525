/* A build without libmaxminddb: there is no database. */
#include "net/mmdb.h"

struct mmdb *
mmdb_hold(struct str path, const char **problem)
{
    *problem = "this usher was built without libmaxminddb";
    return NULL;
}

void
mmdb_drop(struct mmdb *m)
{
}

enum mmdb_news
mmdb_refresh(struct mmdb *m, uint64_t interval_ms, const char **problem)
{
    return MMDB_SAME;
}

struct str
mmdb_find(struct mmdb *m, const struct address *who, const char *const *path, struct arena *a)
{
    return STR_NONE;
}

struct mmdb_times
mmdb_times(struct mmdb *m)
{
    return (struct mmdb_times){ 0 };
}
