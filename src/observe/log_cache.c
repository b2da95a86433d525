/* A list in order of use, per thread: logs named by variables are few and come in runs. */
#include "observe/log_cache.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    struct list link;
    uint64_t hash;
    int fd; /* -1: not used often enough to be kept open */
    unsigned uses;
    uint64_t used_ms, checked_ms;
    size_t n;
    char path[];
};

static __thread struct list entries; /* the latest used first */
static __thread unsigned n_entries;

static int
open_path(struct str path)
{
    int fd = open(path.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    return fd < 0 ? -errno : fd;
}

static int
put(int fd, struct str line)
{
    return write(fd, line.p, line.n) < 0 ? -errno : 0;
}

static void
drop(struct entry *e)
{
    list_remove(&e->link);
    n_entries--;
    if (e->fd >= 0)
        close(e->fd);
    free(e);
}

static void
drop_stale(const struct log_cache_settings *s)
{
    while (!list_empty(&entries)) {
        struct entry *oldest = container_of(entries.prev, struct entry, link);
        if (n_entries <= s->max && clock_ms() - oldest->used_ms <= s->inactive_ms)
            return;
        drop(oldest);
    }
}

static struct entry *
find(struct str path, uint64_t hash)
{
    for (struct list *l = entries.next; l != &entries; l = l->next) {
        struct entry *e = container_of(l, struct entry, link);
        if (e->hash == hash && str_eq((struct str){ e->path, e->n }, path))
            return e;
    }
    return NULL;
}

static struct entry *
find_or_make(struct str path)
{
    uint64_t hash = str_hash(path);
    struct entry *e = find(path, hash);
    if (e) {
        list_remove(&e->link);
    } else {
        e = calloc(1, sizeof *e + path.n + 1);
        must(e);
        e->hash = hash;
        e->fd = -1;
        e->n = path.n;
        memcpy(e->path, path.p, path.n);
        n_entries++;
    }
    list_push_front(&entries, &e->link);
    e->uses++;
    e->used_ms = clock_ms();
    return e;
}

static bool
still_there(const struct entry *e)
{
    struct stat name, open;
    return stat(e->path, &name) == 0 && fstat(e->fd, &open) == 0 && name.st_ino == open.st_ino &&
           name.st_dev == open.st_dev;
}

/* The entry's descriptor is the file that bears its name now. */
static int
make_ready(const struct log_cache_settings *s, struct entry *e)
{
    uint64_t now = clock_ms();
    if (e->fd >= 0 && now - e->checked_ms <= s->valid_ms)
        return 0;
    if (e->fd >= 0 && !still_there(e)) {
        close(e->fd);
        e->fd = -1;
    }
    if (e->fd < 0) {
        int fd = open_path((struct str){ e->path, e->n });
        if (fd < 0)
            return fd;
        e->fd = fd;
    }
    e->checked_ms = now;
    return 0;
}

static int
write_uncached(struct str path, struct str line)
{
    int fd = open_path(path);
    if (fd < 0)
        return fd;
    int outcome = put(fd, line);
    close(fd);
    return outcome;
}

int
log_cache_write(const struct log_cache_settings *s, struct str path, struct str line)
{
    if (s->max == 0)
        return write_uncached(path, line);
    if (entries.next == NULL)
        list_init(&entries);
    struct entry *e = find_or_make(path);
    int outcome = make_ready(s, e);
    if (outcome == 0)
        outcome = put(e->fd, line);
    if (e->fd >= 0 && e->uses < s->min_uses) {
        close(e->fd);
        e->fd = -1;
    }
    drop_stale(s);
    return outcome;
}

void
log_cache_close(void)
{
    while (entries.next && !list_empty(&entries))
        drop(container_of(entries.next, struct entry, link));
}
