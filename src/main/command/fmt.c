/* Files to standard output, back in their places (-w), or only judged (--check). */
#include "main/command/fmt.h"

#include "config/format.h"
#include "main/command/usage.h"
#include "main/command/version.h"
#include "main/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FINE, WOULD_CHANGE, BROKEN };

struct wish {
    bool write, check;
};

static int
complain(const char *path, int error)
{
    fprintf(stderr, "%s: \"%s\": %s\n", program_name(), path, strerror(error));
    return BROKEN;
}

static int
write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return -errno;
        text = str_skip(text, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

/* A new file takes the old one's name once it is whole: no reader sees half of it. */
static int
replace(const char *path, struct str text, struct arena *a)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (real == NULL || stat(real, &st) < 0) {
        free(real);
        return complain(path, errno);
    }
    struct str aside = arena_printf(a, "%s.fmt-XXXXXX", real);
    int fd = mkstemp((char *)aside.p), error = fd < 0 ? -errno : write_all(fd, text);
    if (fd >= 0 && error == 0 &&
        ((geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0) ||
         fchmod(fd, st.st_mode & 07777) < 0 || fsync(fd) < 0 || rename(aside.p, real) < 0))
        error = -errno;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && error)
        unlink(aside.p);
    free(real);
    return error ? complain(path, -error) : FINE;
}

static int
show(const char *path, struct str before, struct str after, const struct wish *wish,
     struct arena *a)
{
    bool same = str_eq(before, after);
    if (wish->check && !same)
        printf("%s\n", path);
    if (wish->check)
        return same ? FINE : WOULD_CHANGE;
    if (wish->write)
        return same ? FINE : replace(path, after, a);
    fwrite(after.p, 1, after.n, stdout);
    return FINE;
}

static int
format(const char *path, const struct wish *wish)
{
    struct arena a;
    struct sources s;
    struct diags d;
    struct buf b;
    int error = 0, code = BROKEN;
    arena_init(&a, 0);
    sources_init(&s, &a);
    diags_init(&d, &a);
    buf_init(&b, &a, 65536, 0);
    const char *name = strcmp(path, "-") ? path : "/dev/stdin";
    const struct source *source = sources_open(&s, str_of(name), &error);
    if (source == NULL)
        complain(path, error);
    else if (config_format(source, &d, &b))
        code = show(path, source->text, buf_str(&b), wish, &a);
    report_diags(&d, false);
    arena_fini(&a);
    return code;
}

int
fmt(char **argv)
{
    struct wish wish = { false };
    int worst = FINE;
    for (; *argv && **argv == '-' && argv[0][1]; argv++)
        if (strcmp(*argv, "-w") == 0)
            wish.write = true;
        else if (strcmp(*argv, "--check") == 0)
            wish.check = true;
        else
            break;
    if (*argv == NULL || (**argv == '-' && argv[0][1]) || (wish.write && wish.check)) {
        usage_print_command(stderr, "fmt");
        return BROKEN;
    }
    for (; *argv; argv++) {
        int code = format(*argv, &wish);
        worst = code > worst ? code : worst;
    }
    return worst;
}
