/* The tables of open_file_cache: path → descriptor, attributes or error, least recently used last.
 *
 * An entry that has become untrue leaves its table at once, but lives as long as a response is made
 * of it. */
#include "exchange/files/cache.h"

#include "base/list.h"
#include "base/thread.h"

#include <stdlib.h>
#include <unistd.h>

struct cached_file {
    struct list link; /* of the table, last used first; unlinked: out of it */
    struct cached_file *chain;
    uint64_t hash;
    unsigned holds; /* answers that use fd */
    unsigned uses;  /* since it was last left alone for `inactive` */
    int fd;         /* -1: none */
    int error;      /* -errno, or 0 */
    bool known;     /* st or error hold */
    struct stat st;
    size_t trusted;
    enum symlinks symlinks;
    uint64_t checked_ms, used_ms;
    size_t n;
    char path[];
};

struct table {
    struct list used;
    unsigned n, mask;
    struct cached_file *buckets[];
};

struct file_cache {
    unsigned max;
    uint64_t inactive_ms;
    struct table *tables[THREADS_MAX];
};

struct file_cache *
file_cache_open(unsigned max, uint64_t inactive_ms)
{
    struct file_cache *c = calloc(1, sizeof *c);
    if (c) {
        c->max = max;
        c->inactive_ms = inactive_ms;
    }
    return c;
}

static void
release(struct cached_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

void
cached_file_drop(struct cached_file *f)
{
    if (--f->holds == 0 && !list_linked(&f->link))
        release(f);
}

static void
take_out(struct table *t, struct cached_file *f)
{
    struct cached_file **at = &t->buckets[f->hash & t->mask];
    while (*at != f)
        at = &(*at)->chain;
    *at = f->chain;
    list_remove(&f->link);
    t->n--;
    if (f->holds == 0)
        release(f);
}

void
file_cache_close(struct file_cache *c)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        struct table *t = c->tables[i];
        while (t && !list_empty(&t->used))
            take_out(t, container_of(t->used.next, struct cached_file, link));
        free(t);
    }
    free(c);
}

static struct table *
own_table(struct file_cache *c)
{
    struct table *t = c->tables[thread_index];
    unsigned cap = 16;
    if (t)
        return t;
    while (cap < c->max && cap < 1 << 16)
        cap *= 2;
    t = calloc(1, sizeof *t + cap * sizeof t->buckets[0]);
    if (t == NULL)
        return NULL;
    list_init(&t->used);
    t->mask = cap - 1;
    return c->tables[thread_index] = t;
}

static struct cached_file *
find(const struct table *t, struct str path, uint64_t hash)
{
    struct cached_file *f = t->buckets[hash & t->mask];
    while (f && !(f->hash == hash && str_eq((struct str){ f->path, f->n }, path)))
        f = f->chain;
    return f;
}

/* What nobody asked for in a while, a few at a time, and the last when the table is full. */
static void
make_room(struct file_cache *c, struct table *t)
{
    for (int i = 0; i < 2 && !list_empty(&t->used); i++) {
        struct cached_file *last = container_of(t->used.prev, struct cached_file, link);
        if (t->n < c->max && last->used_ms + c->inactive_ms > clock_ms())
            return;
        take_out(t, last);
    }
}

static struct cached_file *
add(struct file_cache *c, struct table *t, struct str path, uint64_t hash)
{
    make_room(c, t);
    struct cached_file *f = calloc(1, sizeof *f + path.n + 1);
    if (f == NULL)
        return NULL;
    f->fd = -1;
    f->hash = hash;
    f->n = path.n;
    memcpy(f->path, path.p, path.n + 1);
    f->chain = t->buckets[hash & t->mask];
    t->buckets[hash & t->mask] = f;
    list_push_front(&t->used, &f->link);
    t->n++;
    return f;
}

static void
count_use(struct file_cache *c, struct table *t, struct cached_file *f)
{
    bool forgotten = f->used_ms && f->used_ms + c->inactive_ms <= clock_ms();
    f->uses = forgotten ? 1 : f->uses + 1;
    f->used_ms = clock_ms();
    list_remove(&f->link);
    list_push_front(&t->used, &f->link);
}

/* Does the entry answer without a look at the disk? */
static bool
answers(const struct cached_file *f, const struct file_settings *my, const struct file_question *q)
{
    if (!f->known || f->uses < my->min_uses || f->checked_ms + my->valid.ms <= clock_ms())
        return false;
    if (f->trusted != q->trusted || f->symlinks != q->symlinks)
        return false;
    return f->error ? my->errors : q->look || f->fd >= 0;
}

static int
answer_from(struct cached_file *f, const struct file_question *q, struct file *out)
{
    *out = (struct file){ .fd = -1, .st = f->st };
    if (f->error || q->look)
        return f->error;
    f->holds++;
    out->fd = f->fd;
    out->cached = f;
    return 0;
}

static bool
is_the_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The descriptor may stay when its file is still what the path leads to. */
static bool
still_holds(struct cached_file *f, const struct file_question *q)
{
    struct file now;
    struct file_question look = *q;
    look.look = true;
    if (f->fd < 0 || f->trusted != q->trusted || f->symlinks != q->symlinks ||
        file_ask(&look, &now) < 0 || !is_the_same(&now.st, &f->st))
        return false;
    f->st = now.st;
    return true;
}

static bool
is_kept(int error)
{
    return error == 0 || error == -ENOENT || error == -ENOTDIR || error == -EACCES;
}

/* An entry that nobody uses takes the new answer, and the descriptor with it. */
static void
learn(struct cached_file *f, const struct file_settings *my, const struct file_question *q,
      int error, struct file *out)
{
    f->known = is_kept(error) && f->uses >= my->min_uses;
    f->error = error;
    f->trusted = q->trusted;
    f->symlinks = q->symlinks;
    f->checked_ms = clock_ms();
    if (error < 0)
        return;
    f->st = out->st;
    if (f->known && out->fd >= 0) {
        f->fd = out->fd;
        f->holds++;
        out->cached = f;
    }
}

int
file_cache_ask(const struct file_settings *my, const struct file_question *q, struct file *out)
{
    struct file_cache *c = my->cache;
    struct table *t = own_table(c);
    uint64_t hash = str_hash(q->path);
    struct cached_file *f = t ? find(t, q->path, hash) : NULL;
    unsigned uses = 0;
    if (f) {
        count_use(c, t, f);
        if (answers(f, my, q))
            return answer_from(f, q, out);
        if (still_holds(f, q)) {
            f->checked_ms = clock_ms();
            return answer_from(f, q, out);
        }
        uses = f->uses;
        take_out(t, f);
    }
    int error = file_ask(q, out);
    f = t ? add(c, t, q->path, hash) : NULL;
    if (f) {
        f->uses = uses ? uses : 1;
        f->used_ms = clock_ms();
        learn(f, my, q, error, out);
    }
    return error;
}
