/* Mapped files are counted. Each loop thread holds the one that it looked into last, so that a
 * look-up takes no lock and what it reads cannot go; the lock is for exchanging. */
#include "net/mmdb.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <maxminddb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

struct mapping {
    MMDB_s db;
    unsigned holds; /* under the lock */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct mmdb {
    struct mmdb *next;
    unsigned holds;                    /* under the lock */
    struct mapping *_Atomic now;       /* has one hold for it; written under the lock */
    struct mapping *used[THREADS_MAX]; /* each its thread's, held; NULL: none */
    _Atomic uint64_t next_check_ms, checked, changed;
    char path[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mmdb *all;

static void
let_go(struct mapping *p)
{
    if (p == NULL || --p->holds > 0)
        return;
    MMDB_close(&p->db);
    free(p);
}

static bool
is_same(const struct mapping *p, const struct stat *s)
{
    return p->device == s->st_dev && p->inode == s->st_ino && p->size == s->st_size &&
           p->modified.tv_sec == s->st_mtim.tv_sec && p->modified.tv_nsec == s->st_mtim.tv_nsec;
}

static struct mapping *
map_file(const char *path, const struct stat *s, const char **problem)
{
    struct mapping *p = calloc(1, sizeof *p);
    must(p != NULL);
    int error = MMDB_open(path, MMDB_MODE_MMAP, &p->db);
    if (error != MMDB_SUCCESS) {
        *problem = MMDB_strerror(error);
        free(p);
        return NULL;
    }
    p->holds = 1;
    p->device = s->st_dev;
    p->inode = s->st_ino;
    p->size = s->st_size;
    p->modified = s->st_mtim;
    return p;
}

/* Under the lock. */
static enum mmdb_news
renew(struct mmdb *m, const char **problem)
{
    struct stat s;
    struct mapping *old = m->now;
    m->checked = clock_wall_us() / 1000000;
    if (stat(m->path, &s) < 0) {
        *problem = strerrordesc_np(errno);
        return MMDB_BROKEN;
    }
    if (old && is_same(old, &s))
        return MMDB_SAME;
    struct mapping *fresh = map_file(m->path, &s, problem);
    if (fresh == NULL)
        return MMDB_BROKEN;
    m->changed = m->checked;
    m->now = fresh;
    let_go(old);
    return MMDB_CHANGED;
}

static struct mmdb *
find_or_make(struct str path)
{
    for (struct mmdb *m = all; m; m = m->next)
        if (str_eq(str_of(m->path), path))
            return m;
    struct mmdb *m = calloc(1, sizeof *m + path.n + 1);
    must(m != NULL);
    memcpy(m->path, path.p, path.n);
    m->next = all;
    return all = m;
}

static void
forget(struct mmdb *m)
{
    struct mmdb **at = &all;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    for (unsigned i = 0; i < THREADS_MAX; i++)
        let_go(m->used[i]);
    let_go(m->now);
    free(m);
}

struct mmdb *
mmdb_hold(struct str path, const char **problem)
{
    *problem = NULL;
    pthread_mutex_lock(&lock);
    struct mmdb *m = find_or_make(path);
    renew(m, problem);
    m->holds++;
    if (m->now == NULL) {
        forget(m);
        m = NULL;
    }
    pthread_mutex_unlock(&lock);
    return m;
}

void
mmdb_drop(struct mmdb *m)
{
    pthread_mutex_lock(&lock);
    if (--m->holds == 0)
        forget(m);
    pthread_mutex_unlock(&lock);
}

enum mmdb_news
mmdb_refresh(struct mmdb *m, uint64_t interval_ms, const char **problem)
{
    uint64_t now = clock_ms(), due = m->next_check_ms;
    if (now < due || !atomic_compare_exchange_strong(&m->next_check_ms, &due, now + interval_ms))
        return MMDB_SAME;
    if (due == 0) /* the configuration has just been read, and with it the file */
        return MMDB_SAME;
    pthread_mutex_lock(&lock);
    enum mmdb_news news = renew(m, problem);
    pthread_mutex_unlock(&lock);
    return news;
}

/* The thread's own hold on what is current. */
static struct mapping *
mine(struct mmdb *m)
{
    struct mapping **used = &m->used[thread_index];
    if (*used == atomic_load_explicit(&m->now, memory_order_acquire))
        return *used;
    pthread_mutex_lock(&lock);
    let_go(*used);
    *used = m->now;
    (*used)->holds++;
    pthread_mutex_unlock(&lock);
    return *used;
}

_Static_assert(!MMDB_UINT128_IS_BYTE_ARRAY, "the compiler has integers of 128 bits");

static struct str
print_u128(struct arena *a, const MMDB_entry_data_s *d)
{
    uint64_t high = (uint64_t)(d->uint128 >> 64), low = (uint64_t)d->uint128;
    return arena_printf(a, "0x%016" PRIx64 "%016" PRIx64, high, low);
}

/* Maps and arrays are no text. */
static struct str
print(struct arena *a, const MMDB_entry_data_s *d)
{
    switch (d->type) {
    case MMDB_DATA_TYPE_UTF8_STRING:
        return arena_dup(a, (struct str){ d->utf8_string, d->data_size });
    case MMDB_DATA_TYPE_BYTES:
        return arena_dup(a, (struct str){ (const char *)d->bytes, d->data_size });
    case MMDB_DATA_TYPE_DOUBLE:
        return arena_printf(a, "%.5f", d->double_value);
    case MMDB_DATA_TYPE_FLOAT:
        return arena_printf(a, "%.5f", (double)d->float_value);
    case MMDB_DATA_TYPE_UINT16:
        return arena_printf(a, "%u", d->uint16);
    case MMDB_DATA_TYPE_UINT32:
        return arena_printf(a, "%" PRIu32, d->uint32);
    case MMDB_DATA_TYPE_INT32:
        return arena_printf(a, "%" PRId32, d->int32);
    case MMDB_DATA_TYPE_UINT64:
        return arena_printf(a, "%" PRIu64, d->uint64);
    case MMDB_DATA_TYPE_UINT128:
        return print_u128(a, d);
    case MMDB_DATA_TYPE_BOOLEAN:
        return d->boolean ? STR("1") : STR("0");
    default:
        return STR_NONE;
    }
}

struct str
mmdb_find(struct mmdb *m, const struct address *who, const char *const *path, struct arena *a)
{
    MMDB_entry_data_s data;
    int error = 0;
    if (who->any.sa_family != AF_INET && who->any.sa_family != AF_INET6)
        return STR_NONE;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&mine(m)->db, &who->any, &error);
    if (error != MMDB_SUCCESS || !found.found_entry)
        return STR_NONE;
    if (MMDB_aget_value(&found.entry, &data, path) != MMDB_SUCCESS || !data.has_data)
        return STR_NONE;
    return print(a, &data);
}

struct mmdb_times
mmdb_times(struct mmdb *m)
{
    return (struct mmdb_times){ mine(m)->db.metadata.build_epoch, m->checked, m->changed };
}
