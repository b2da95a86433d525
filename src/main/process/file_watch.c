/* A directory is watched for every name that is looked up in it and may come to mean another file:
 * the last one of a path, and each symbolic link. */
#include "main/process/file_watch.h"

#include "base/clock.h"
#include "main/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { QUIET_MS = 250, PATIENCE_MS = 2000, LINKS_MAX = 40 };

#define CHANGES                                                                              \
    (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | \
     IN_MOVE_SELF | IN_ONLYDIR)

void
file_watch_init(struct file_watch *w)
{
    *w = (struct file_watch){ .fd = -1, .look_at = NEVER, .latest = NEVER };
}

void
file_watch_close(struct file_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    file_watch_init(w);
}

static void
watch_directory(const struct file_watch *w, const char *path)
{
    if (inotify_add_watch(w->fd, path[0] ? path : "/", CHANGES) >= 0 || errno == ENOENT)
        return;
    report(LEVEL_WARN, errno, "changed files may not be noticed: inotify_add_watch(\"%s\") failed",
           path[0] ? path : "/");
}

/* A walk along a path, name by name. */
struct walk {
    char done[PATH_MAX]; /* without a slash at its end: "" is the root */
    char left[PATH_MAX]; /* begins with a slash, or is empty */
    unsigned links;
};

/* The next name after what is done; false at the end, or when it is too long. */
static bool
take_name(struct walk *k, char name[NAME_MAX + 1])
{
    const char *at = k->left + strspn(k->left, "/");
    size_t n = strcspn(at, "/");
    if (n == 0 || n > NAME_MAX || strlen(k->done) + n + 2 > sizeof k->done)
        return false;
    memcpy(name, at, n);
    name[n] = '\0';
    memmove(k->left, at + n, strlen(at + n) + 1);
    return true;
}

static void
step_into(struct walk *k, const char *name)
{
    char *slash = strrchr(k->done, '/');
    if (strcmp(name, "..") == 0 && slash)
        *slash = '\0';
    else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        snprintf(k->done + strlen(k->done), sizeof k->done - strlen(k->done), "/%s", name);
}

/* Is it a link? Then its target stands before what is left. */
static bool
follow(struct walk *k, const char *name)
{
    char at[PATH_MAX + NAME_MAX + 2], target[PATH_MAX];
    snprintf(at, sizeof at, "%s/%s", k->done, name);
    ssize_t n = readlink(at, target, sizeof target - 1);
    size_t rest = strlen(k->left);
    if (n <= 0 || k->links++ >= LINKS_MAX || (size_t)n + rest + 2 > sizeof k->left)
        return false;
    if (target[0] == '/')
        k->done[0] = '\0';
    memmove(k->left + 1 + n, k->left, rest + 1);
    memcpy(k->left + 1, target, (size_t)n);
    k->left[0] = '/';
    return true;
}

static bool
is_there(const struct walk *k, const char *name)
{
    char at[PATH_MAX + NAME_MAX + 2];
    snprintf(at, sizeof at, "%s/%s", k->done, name);
    return access(at, F_OK) == 0;
}

static void
watch_path(const struct file_watch *w, struct str path)
{
    struct walk k = { .done = "" };
    char name[NAME_MAX + 1], directory[PATH_MAX];
    if (path.n >= sizeof k.left)
        return;
    memcpy(k.left, path.p, path.n);
    while (take_name(&k, name)) {
        bool last = k.left[strspn(k.left, "/")] == '\0';
        memcpy(directory, k.done, sizeof directory);
        bool link = follow(&k, name), there = link || (!last && is_there(&k, name));
        if (link || !there)
            watch_directory(w, directory);
        if (!there)
            return;
        if (!link)
            step_into(&k, name);
    }
}

void
file_watch_settle(struct file_watch *w, const struct sources *s)
{
    file_watch_close(w);
    for (const struct source *d = s->data; d; d = d->next) {
        if (!d->watched)
            continue;
        if (w->fd < 0 && (w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) < 0) {
            report(LEVEL_WARN, errno, "changed files are not noticed: inotify_init1() failed");
            return;
        }
        watch_path(w, d->path);
    }
    if (w->fd >= 0)
        w->look_at = clock_ms() + QUIET_MS;
}

void
file_watch_read(struct file_watch *w)
{
    char events[4096] __attribute__((aligned(8)));
    bool any = false;
    while (w->fd >= 0 && read(w->fd, events, sizeof events) > 0)
        any = true;
    if (!any)
        return;
    if (w->latest == NEVER)
        w->latest = clock_ms() + PATIENCE_MS;
    w->look_at = clock_ms() + QUIET_MS;
    if (w->look_at > w->latest)
        w->look_at = w->latest;
}

const struct source *
file_watch_look(struct file_watch *w, const struct sources *s, unsigned *n)
{
    const struct source *changed = NULL;
    *n = 0;
    w->look_at = w->latest = NEVER;
    for (const struct source *d = s->data; d; d = d->next)
        if (d->watched && source_has_changed(d)) {
            changed = d;
            *n += 1;
        }
    return changed;
}
