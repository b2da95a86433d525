/* disable_symlinks: the path is walked segment by segment, each opened in the directory before it,
 * so that nobody who may write in one of them changes what has been judged.
 *
 * Of a link that belongs to somebody, what it leads to must belong to the same, whatever the link
 * has become meanwhile. */
#include "exchange/files/symlinks.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEGMENT_MOST = 255 };

static int
open_segment(int dir, const char *name, int flags, enum symlinks rule)
{
    struct stat seen, opened;
    if (fstatat(dir, name, &seen, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    bool is_link = S_ISLNK(seen.st_mode);
    if (is_link && rule == SYMLINKS_REFUSED)
        return -ELOOP;
    int fd = openat(dir, name, flags | (is_link ? 0 : O_NOFOLLOW));
    if (fd < 0)
        return -errno;
    bool fine = fstat(fd, &opened) == 0 && !S_ISLNK(opened.st_mode);
    if (fine && (!is_link || opened.st_uid == seen.st_uid))
        return fd;
    close(fd);
    return -ELOOP;
}

/* The next segment as a C string; false when there is none. */
static bool
next_segment(struct str *rest, char *name, int *error)
{
    struct str segment = STR("");
    while (rest->p && segment.n == 0)
        segment = str_cut(rest, '/');
    if (segment.n > SEGMENT_MOST)
        *error = -ENAMETOOLONG;
    if (segment.n == 0 || segment.n > SEGMENT_MOST)
        return false;
    memcpy(name, segment.p, segment.n);
    name[segment.n] = '\0';
    return true;
}

static bool
is_last(struct str rest)
{
    for (size_t i = 0; rest.p && i < rest.n; i++)
        if (rest.p[i] != '/')
            return false;
    return true;
}

static int
walk(int dir, struct str rest, enum symlinks rule, int flags)
{
    char name[SEGMENT_MOST + 1];
    int error = 0;
    while (next_segment(&rest, name, &error)) {
        bool slash = rest.p != NULL, last = is_last(rest);
        int how = last ? flags | (slash ? O_DIRECTORY : 0) : O_PATH | O_DIRECTORY | O_CLOEXEC;
        int next = open_segment(dir, name, how, rule);
        close(dir);
        if (next < 0 || last) /* a link that is not followed is no directory, as nginx has it */
            return next == -ELOOP && !last && rule == SYMLINKS_REFUSED ? -ENOTDIR : next;
        dir = next;
    }
    if (error == 0)
        return dir; /* nothing follows what is trusted */
    close(dir);
    return error;
}

/* One call where the kernel can do it and there is no link: it does not say where it found one. */
static int
open_without_links(int dir, const char *rest, int flags)
{
    struct open_how how = { .flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_NO_SYMLINKS };
    long fd = syscall(SYS_openat2, dir, rest, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

int
symlinks_open(struct str path, size_t trusted, enum symlinks rule, int flags)
{
    char start[4096];
    struct str rest = str_skip(path, trusted);
    if (is_last(rest) || trusted >= sizeof start) {
        int fd = open(path.p, flags);
        return fd < 0 ? -errno : fd;
    }
    memcpy(start, trusted ? path.p : "/", trusted ? trusted : 1);
    start[trusted ? trusted : 1] = '\0';
    while (rest.n && rest.p[0] == '/')
        rest = str_skip(rest, 1);
    int dir = open(start, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    if (rule == SYMLINKS_REFUSED) {
        int fd = open_without_links(dir, rest.p, flags);
        if (fd != -ENOSYS && fd != -EPERM && fd != -ELOOP) {
            close(dir);
            return fd;
        }
    }
    return walk(dir, rest, rule, flags);
}
