/* Reading password files, and the few of each thread that stay in memory. */
#include "exchange/auth/password_file.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT = 8, FILE_MAX = 64 << 20, DOUBT_MS = 2000 };

/* By what a file is known to be the same still. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct password_file {
    struct arena arena; /* of all below */
    struct str path, text, any;
    struct map users; /* name → struct str * */
    struct identity identity;
    bool settled; /* it had not changed for a while when it was read: a change would show */
    uint64_t used_ms;
};

static struct password_file *kept[THREADS_MAX][KEPT]; /* each thread its own */

static struct identity
identify(const struct stat *s)
{
    return (struct identity){ s->st_dev, s->st_ino, s->st_size, s->st_mtim, s->st_ctim };
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
is_same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

static bool
is_settled(const struct identity *i)
{
    int64_t changed = (int64_t)i->changed.tv_sec * 1000 + i->changed.tv_nsec / 1000000;
    return (int64_t)(clock_wall_us() / 1000) - changed > DOUBT_MS;
}

static void
forget(struct password_file *f)
{
    if (f == NULL)
        return;
    if (f->text.n)
        explicit_bzero((void *)(uintptr_t)f->text.p, f->text.n);
    arena_fini(&f->arena);
    free(f);
}

static int
read_all(int fd, struct password_file *f)
{
    size_t n = 0, size = (size_t)f->identity.size;
    char *p = arena_text(&f->arena, size + 1);
    while (n < size) {
        ssize_t some = pread(fd, p + n, size - n, (off_t)n);
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return -errno;
        if (some == 0)
            break;
        n += (size_t)some;
    }
    f->text = (struct str){ p, n };
    return 0;
}

/* The first line of a user counts. */
static void
take_line(struct password_file *f, struct str line)
{
    struct str rest = line, user = str_cut(&rest, ':');
    if (user.n == line.n || user.n == 0 || user.p[0] == '#' || map_try(&f->users, user))
        return;
    struct str *stored = arena_new(&f->arena, struct str);
    *stored = str_cut(&rest, ':');
    if (stored->n && stored->p[stored->n - 1] == '\r')
        stored->n--;
    map_put(&f->users, user, stored);
    if (f->any.n == 0)
        f->any = *stored;
}

static int
load(int fd, struct password_file *f, const char **failed)
{
    struct stat s;
    *failed = "fstat()";
    if (fstat(fd, &s) < 0)
        return -errno;
    f->identity = identify(&s);
    f->settled = is_settled(&f->identity);
    *failed = "pread()";
    int r = S_ISDIR(s.st_mode) ? -EISDIR : s.st_size > FILE_MAX ? -EFBIG : read_all(fd, f);
    for (struct str rest = f->text; r == 0 && rest.n;)
        take_line(f, str_cut(&rest, '\n'));
    return r;
}

static int
read_file(struct str path, struct password_file **out, const char **failed)
{
    *failed = "open()";
    int fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct password_file *f = calloc(1, sizeof *f);
    int r = -ENOMEM;
    if (f) {
        arena_init(&f->arena, 0);
        map_init(&f->users, &f->arena, false);
        f->path = arena_dup(&f->arena, path);
        r = load(fd, f, failed);
    }
    close(fd);
    if (r < 0) {
        forget(f);
        f = NULL;
    }
    *out = f;
    return r;
}

/* Where the path is kept, else a free place or the one that was used longest ago. */
static struct password_file **
place_of(struct str path)
{
    struct password_file **all = kept[thread_index], **place = all;
    for (unsigned i = 0; i < KEPT; i++) {
        if (all[i] && str_eq(all[i]->path, path))
            return &all[i];
        if (*place && (all[i] == NULL || all[i]->used_ms < (*place)->used_ms))
            place = &all[i];
    }
    return place;
}

int
password_file_open(struct str path, const struct password_file **out, const char **failed)
{
    struct password_file **place = place_of(path), *f = *place;
    struct stat s;
    bool known = f && str_eq(f->path, path) && f->settled && stat(path.p, &s) == 0;
    if (known) {
        struct identity now = identify(&s);
        known = is_same(&f->identity, &now);
    }
    if (!known) {
        int r = read_file(path, &f, failed);
        if (r < 0)
            return r;
        forget(*place);
        *place = f;
    }
    f->used_ms = clock_ms();
    *out = f;
    return 0;
}

struct str
password_file_find(const struct password_file *f, struct str user)
{
    const struct str *stored = map_try(&f->users, user);
    return stored ? (struct str){ stored->p ? stored->p : "", stored->n } : STR_NONE;
}

struct str
password_file_any(const struct password_file *f)
{
    return f->any;
}
