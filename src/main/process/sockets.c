/* Sockets of the process: opened, inherited, kept, closed. */
#include "main/process/sockets.h"

#include "main/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TRIES = 5, TRY_AGAIN_MS = 500 };

#define VARIABLE "USHER_LISTENERS"

static struct socket_group *
find(const struct sockets *l, struct str text)
{
    struct socket_group *each = l->first;
    while (each && !str_eq(each->text, text))
        each = each->next;
    return each;
}

static struct socket_group *
add(struct sockets *l, const struct listen_address *a)
{
    struct socket_group *new = calloc(1, sizeof *new);
    struct socket_group **end = &l->first;
    new->options = a->options;
    new->text = (struct str){ strndup(a->text.p, a->text.n), a->text.n };
    while (*end)
        end = &(*end)->next;
    return *end = new;
}

static void
remove_one(struct sockets *l, struct socket_group *gone)
{
    struct socket_group **at = &l->first;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    free((void *)(uintptr_t)gone->text.p);
    free(gone->fds);
    free(gone);
}

static void
push(struct socket_group *l, int fd)
{
    l->fds = realloc(l->fds, (l->n + 1) * sizeof *l->fds);
    l->fds[l->n++] = fd;
}

static bool
is_unix(const struct socket_group *l)
{
    return l->options.address.any.sa_family == AF_UNIX;
}

/* --- inheriting --- */

static bool
listens_on(int fd, const struct address *wanted)
{
    struct address here = { .size = sizeof here - offsetof(struct address, any) };
    return getsockname(fd, &here.any, &here.size) == 0 && address_equal(&here, wanted);
}

static bool
is_listening(int fd)
{
    int yes = 0;
    socklen_t n = sizeof yes;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 && yes;
}

void
sockets_inherit(struct sockets *l)
{
    const char *names = getenv(VARIABLE);
    if (names == NULL)
        return;
    report(LEVEL_NOTICE, 0, "using inherited sockets from \"%s\"", names);
    l->shared = true;
    l->inherited = calloc(strlen(names) + 1, sizeof *l->inherited);
    unsigned n = 0;
    for (char *end; *names; names = *end ? end + 1 : end) {
        int fd = (int)strtol(names, &end, 10);
        if (end == names || (*end && *end != ';'))
            break;
        if (!is_listening(fd))
            continue;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        l->inherited[n++] = fd;
    }
    l->inherited[n] = -1;
    unsetenv(VARIABLE);
}

static void
take_inherited(struct sockets *l, struct socket_group *into)
{
    int *from = l->inherited, *to = from;
    if (from == NULL)
        return;
    for (; *from >= 0; from++)
        if (listens_on(*from, &into->options.address))
            push(into, *from);
        else
            *to++ = *from;
    *to = -1;
}

static void
close_unclaimed(struct sockets *l)
{
    for (int *fd = l->inherited; fd && *fd >= 0; fd++)
        close(*fd);
    free(l->inherited);
    l->inherited = NULL;
}

char *
sockets_export(const struct sockets *l)
{
    size_t n = 0, cap = 1;
    for (const struct socket_group *each = l->first; each; each = each->next)
        cap += each->n * 12;
    char *value = calloc(1, cap);
    for (const struct socket_group *each = l->first; each; each = each->next)
        for (unsigned i = 0; i < each->n; i++) {
            (void)fcntl(each->fds[i], F_SETFD, 0);
            n += (size_t)snprintf(value + n, cap - n, "%d;", each->fds[i]);
        }
    return value;
}

/* --- opening --- */

/* SO_REUSEPORT would let us bind beside another program of the same user, silently sharing its
 * traffic. A socket without it is refused then; so one is tried first, unless this program is the
 * one that holds the port (by a wildcard, or for its other threads). */
static int
probe(const struct sockets *l, const struct socket_group *wanted)
{
    const struct address *a = &wanted->options.address;
    for (const struct socket_group *each = l->first; each; each = each->next)
        if (each->n && address_port(&each->options.address) == address_port(a))
            return 0;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1, only = wanted->options.ipv6only;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    int e = bind(fd, &a->any, a->size) < 0 ? -errno : 0;
    close(fd);
    return e;
}

static int
open_one(const struct sockets *l, struct socket_group *each, const char **step)
{
    *step = "bind()";
    int e = each->n == 0 && !is_unix(each) ? probe(l, each) : 0;
    int fd = e < 0 ? e : listen_open(&each->options, step);
    if (fd >= 0)
        push(each, fd);
    return fd;
}

enum outcome { OPENED, BUSY, REFUSED };

static enum outcome
open_group(struct sockets *l, struct socket_group *each, unsigned threads)
{
    unsigned wanted = is_unix(each) ? 1 : threads;
    while (each->n < wanted) {
        const char *step;
        int e = open_one(l, each, &step);
        if (e >= 0)
            continue;
        report(LEVEL_EMERG, -e, "%s to " STR_FMT " failed", step, STR_ARG(each->text));
        if (e == -EACCES && !is_unix(each))
            report_hint("ports below 1024 need root or CAP_NET_BIND_SERVICE");
        return e == -EADDRINUSE ? BUSY : REFUSED;
    }
    return OPENED;
}

static enum outcome
open_wanted(struct sockets *l, unsigned threads)
{
    enum outcome worst = OPENED;
    for (struct socket_group *each = l->first; each; each = each->next) {
        enum outcome o = each->wanted ? open_group(l, each, threads) : OPENED;
        if (o > worst)
            worst = o;
        if (worst == REFUSED)
            break;
    }
    return worst;
}

static enum outcome
open_patiently(struct sockets *l, unsigned threads)
{
    for (int left = TRIES; left > 0; left--) {
        enum outcome o = open_wanted(l, threads);
        if (o != BUSY)
            return o;
        report(LEVEL_NOTICE, 0, "try again to bind() after %dms", TRY_AGAIN_MS);
        usleep(TRY_AGAIN_MS * 1000);
    }
    report(LEVEL_EMERG, 0, "still could not bind()");
    report_hint("another program listens there: ss -ltnp tells which");
    return BUSY;
}

static void
mark_wanted(struct sockets *l, const struct snapshot *s)
{
    for (struct socket_group *each = l->first; each; each = each->next) {
        each->wanted = false;
        each->kept = each->n;
    }
    for (unsigned i = 0; i < s->n_listens; i++) {
        struct socket_group *each = find(l, s->listens[i]->text);
        if (each == NULL) {
            each = add(l, s->listens[i]);
            take_inherited(l, each);
        }
        each->wanted = true;
    }
}

static void
close_from(struct socket_group *l, unsigned first)
{
    while (l->n > first)
        close(l->fds[--l->n]);
}

static void
roll_back(struct sockets *l)
{
    for (struct socket_group *each = l->first, *next; each; each = next) {
        next = each->next;
        bool opened = each->n > each->kept;
        close_from(each, each->kept);
        if (opened && each->n == 0 && is_unix(each) && !l->shared)
            unlink(each->options.address.un.sun_path);
        if (each->n == 0)
            remove_one(l, each);
    }
}

bool
sockets_open(struct sockets *l, const struct snapshot *s, unsigned threads)
{
    mark_wanted(l, s);
    if (open_patiently(l, threads) == OPENED)
        return true;
    roll_back(l);
    return false;
}

/* --- closing --- */

static void
close_one(struct socket_group *l, bool remove_file)
{
    close_from(l, 0);
    if (remove_file && is_unix(l) && unlink(l->options.address.un.sun_path) < 0)
        report(LEVEL_EMERG, errno, "unlink() " STR_FMT " failed", STR_ARG(l->text));
}

void
sockets_settle(struct sockets *l, const struct snapshot *s)
{
    for (struct socket_group *each = l->first, *next; each; each = next) {
        next = each->next;
        const struct listen_address *a = snapshot_listen(s, each->text);
        if (a == NULL) {
            close_one(each, !l->shared);
            remove_one(l, each);
            continue;
        }
        each->options = a->options;
        for (unsigned i = 0; i < each->n; i++)
            listen_apply(each->fds[i], &each->options);
    }
    close_unclaimed(l);
}

void
sockets_close(struct sockets *l, bool unlink_files)
{
    while (l->first) {
        close_one(l->first, unlink_files && !l->shared);
        remove_one(l, l->first);
    }
    close_unclaimed(l);
}

void
sockets_forget(struct sockets *l)
{
    while (l->first) {
        l->first->n = 0;
        remove_one(l, l->first);
    }
}
