/* A pid file appears whole: written beside and renamed, so no reader ever sees it empty. */
#include "main/process/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int
write_beside(const char *path)
{
    char number[32];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int n = snprintf(number, sizeof number, "%d\n", (int)getpid());
    int e = write(fd, number, (size_t)n) == n ? 0 : errno ? -errno : -EIO;
    close(fd);
    return e;
}

int
pidfile_write(struct str path)
{
    char whole[PATH_MAX], beside[PATH_MAX + 16];
    if (path.n >= sizeof whole)
        return -ENAMETOOLONG;
    snprintf(whole, sizeof whole, STR_FMT, STR_ARG(path));
    snprintf(beside, sizeof beside, "%s.%d", whole, (int)getpid());
    int e = write_beside(beside);
    if (e == 0 && rename(beside, whole) < 0)
        e = -errno;
    if (e < 0)
        unlink(beside);
    return e;
}

bool
pidfile_read(struct str path, pid_t *pid, char text[32], int *why)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, STR_FMT, STR_ARG(path));
    int fd = open(whole, O_RDONLY | O_CLOEXEC);
    *why = errno;
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, 31);
    close(fd);
    *why = 0;
    struct str digits = { text, n > 0 ? (size_t)n : 0 };
    while (digits.n && (digits.p[digits.n - 1] == '\n' || digits.p[digits.n - 1] == '\r'))
        digits.n--;
    text[digits.n] = '\0';
    uint64_t value;
    if (!str_to_u64(digits, INT32_MAX, &value) || value == 0)
        return false;
    *pid = (pid_t)value;
    return true;
}

void
pidfile_remove(struct str path)
{
    char whole[PATH_MAX], text[32];
    pid_t pid;
    int why;
    snprintf(whole, sizeof whole, STR_FMT, STR_ARG(path));
    if (pidfile_read(path, &pid, text, &why) && pid == getpid())
        unlink(whole);
}
