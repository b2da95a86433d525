/* A file's body that holds up no thread. aio: what the page cache has is copied at once, and for
 * the rest an off-load thread waits. directio: all is read by off-load threads past the cache,
 * aligned as the device wants it.
 *
 * A job outlives no body: the fiber that asked is deaf until it has ended. */
#include "exchange/files/reading.h"

#include "exchange/files/files.h"
#include "fiber/offload.h"
#include "net/buffer.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

/* Aligned at least like this: it fits devices whose sectors are smaller, too. */
enum { ALIGNMENT_LEAST = 4096, ALIGNMENT_MOST = 64 * 1024 };

struct read_body {
    struct body body; /* first */
    struct exchange *x;
    struct file file;
    uint64_t at, end; /* of the file: what is read next */
    size_t piece, alignment;
    int direct; /* descriptor for O_DIRECT; -1: none */
    bool wants_direct;
    bool cache_waits; /* this file system cannot say what is in the cache */
    bool cold;        /* it was not there a moment ago */
    struct buffer *buffer;
    struct str read; /* and not given out yet */
};

/* --- in an off-load thread --- */

/* The descriptor of open_file_cache is read by others without alignment. */
static int
open_direct(const struct read_body *my)
{
    char link[32];
    if (my->file.cached == NULL)
        return fcntl(my->file.fd, F_SETFL, O_NONBLOCK | O_DIRECT) < 0 ? -1 : my->file.fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", my->file.fd);
    return open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_DIRECT);
}

static void
close_direct(struct read_body *my)
{
    if (my->direct >= 0 && my->direct != my->file.fd)
        close(my->direct);
    else if (my->direct >= 0)
        fcntl(my->file.fd, F_SETFL, O_NONBLOCK);
    my->direct = -1;
}

static size_t
wanted(const struct read_body *my)
{
    return my->end - my->at < my->piece ? (size_t)(my->end - my->at) : my->piece;
}

static ssize_t
read_cached(struct read_body *my, int flags)
{
    struct iovec room = { my->buffer->data, wanted(my) };
    ssize_t n;
    do
        n = preadv2(my->file.fd, &room, 1, (off_t)my->at, flags);
    while (n < 0 && errno == EINTR);
    my->read = (struct str){ my->buffer->data, n > 0 ? (size_t)n : 0 };
    return n < 0 ? -errno : n;
}

/* From a boundary before to one behind, into memory that begins at one. */
static ssize_t
read_direct(struct read_body *my)
{
    const size_t mask = my->alignment - 1, before = my->at & mask;
    char *to = my->buffer->data + (-(uintptr_t)my->buffer->data & mask);
    size_t size = (before + wanted(my) + mask) & ~mask;
    ssize_t n =
        pread(my->direct, to, size < my->piece ? size : my->piece, (off_t)(my->at - before));
    if (n < 0)
        return -errno;
    my->read = (struct str){ to + before, (size_t)n > before ? (size_t)n - before : 0 };
    my->read = str_head(my->read, my->end - my->at);
    return (ssize_t)my->read.n;
}

struct job {
    struct read_body *body;
    ssize_t result;
};

/* What the file system or the device refuses goes by the cache. */
static void
run_job(void *arg)
{
    struct job *j = arg;
    struct read_body *my = j->body;
    if (my->wants_direct)
        my->direct = open_direct(my);
    my->wants_direct = false;
    j->result = my->direct >= 0 ? read_direct(my) : -EINVAL;
    if (j->result != -EINVAL)
        return;
    close_direct(my);
    j->result = read_cached(my, 0);
}

/* --- in the loop's --- */

static bool
goes_direct(const struct read_body *my)
{
    return my->wants_direct || my->direct >= 0;
}

/* What can be had without a wait. False: nothing, or nobody knows. */
static bool
read_now(struct read_body *my)
{
    if (my->cache_waits || my->cold || goes_direct(my))
        return false;
    if (my->buffer == NULL)
        my->buffer = buffer_take(my->piece);
    ssize_t n = read_cached(my, RWF_NOWAIT);
    my->cache_waits = n == -EOPNOTSUPP || n == -ENOSYS;
    my->cold = n <= 0;
    return n > 0;
}

static int
read_slowly(struct read_body *my)
{
    struct job j = { .body = my };
    if (my->buffer == NULL)
        my->buffer = buffer_take(my->piece + (goes_direct(my) ? my->alignment : 0));
    offload_waiting(run_job, &j);
    my->cold = false;
    if (j.result < 0)
        exchange_log(my->x, LEVEL_CRIT, (int)-j.result, "pread() failed");
    else if (j.result == 0)
        exchange_log(my->x, LEVEL_ALERT, 0, "a file was truncated while it was read");
    return j.result > 0 ? 0 : -EIO;
}

static int
next(struct body *b, struct chunk *out)
{
    struct read_body *my = (struct read_body *)b;
    if (my->at == my->end)
        return 0;
    if (my->read.n == 0 && !read_now(my)) {
        int r = read_slowly(my);
        if (r < 0)
            return r;
    }
    out->bytes = my->read;
    my->at += my->read.n;
    my->read = STR_NONE;
    out->last = my->at == my->end;
    return 1;
}

static bool
is_ready(struct body *b)
{
    struct read_body *my = (struct read_body *)b;
    return my->at == my->end || my->read.n || read_now(my);
}

static void
seek(struct body *b, uint64_t from, uint64_t size)
{
    struct read_body *my = (struct read_body *)b;
    my->read = STR_NONE;
    my->cold = false;
    my->at = from;
    my->end = from + size;
}

static void
close_read(struct body *b)
{
    struct read_body *my = (struct read_body *)b;
    if (my->direct >= 0 && my->direct != my->file.fd)
        close(my->direct);
    buffer_put(my->buffer);
    my->buffer = NULL;
    file_close(&my->file);
}

static size_t
power_of_two(uint64_t least, size_t most)
{
    size_t n = ALIGNMENT_LEAST;
    while (n < least && n < most)
        n *= 2;
    return n;
}

struct body *
reading_body(struct exchange *x, const struct reading_settings *my, struct file *f)
{
    static const struct body_ops ops = {
        .next = next, .ready = is_ready, .seek = seek, .close = close_read
    };
    bool direct = (uint64_t)f->st.st_size >= my->directio;
    if (!my->aio && !direct)
        return NULL;
    struct read_body *b = arena_new(&x->arena, struct read_body);
    *b = (struct read_body){ { &ops }, .x = x, .file = *f, .direct = -1, .wants_direct = direct };
    b->end = (uint64_t)f->st.st_size;
    b->alignment = power_of_two(my->directio_alignment.n, ALIGNMENT_MOST);
    b->piece = (my->piece + b->alignment - 1) & ~(b->alignment - 1);
    return &b->body;
}
