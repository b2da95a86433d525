/* Reading a request's body whole, for backends that want its length, and for copies of it. */
#include "exchange/body/request_body.h"

#include "base/random.h"
#include "exchange/hosts/location.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct core_settings *
core_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core;
}

static enum verdict
client_fault(struct exchange *x, int error)
{
    x->keep_alive = false;
    x->doing = "reading client request body";
    switch (error) {
    case -EFBIG:
        return fail(x, FAULT_BODY_TOO_LARGE, "%s", "");
    case -EBADMSG:
        return fail(x, FAULT_BAD_REQUEST, "client sent invalid chunked body");
    case -ETIMEDOUT:
        x->timed_out = true;
        return fail_errno(x, FAULT_CLIENT_TIMEOUT, ETIMEDOUT, "%s", "");
    default:
        x->client_gone = true;
        return fail(x, FAULT_CLIENT_GONE, "%s", "");
    }
}

static int
open_nameless(struct str dir)
{
    char path[4096];
    int file = open(dir.p, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || errno == ENOENT || dir.n + 16 > sizeof path)
        return file;
    memcpy(path, dir.p, dir.n);
    memcpy(path + dir.n, "/usher-XXXXXX", 14);
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

/* Numbers as names, as nginx has them. */
static int
open_named(struct exchange *x, struct str dir)
{
    static _Atomic uint32_t last;
    int file = -1;
    uint32_t step = 1;
    do {
        uint32_t n = atomic_fetch_add(&last, step) + step;
        x->body_path = arena_printf(&x->arena, STR_FMT "/%010u%c", STR_ARG(dir), n, '\0');
        x->body_path.n--;
        file = open(x->body_path.p, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        step = (uint32_t)random_below(UINT32_MAX); /* what another process kept is left behind */
    } while (file < 0 && errno == EEXIST);
    x->body_path_passes = file >= 0 && core_of(x)->client_body_in_file_only == BODY_IN_FILE_CLEAN;
    if (file < 0)
        x->body_path = STR_NONE;
    return file;
}

static int
open_file(struct exchange *x)
{
    const struct core_settings *core = core_of(x);
    struct str dir = core->client_body_temp_path;
    return core->client_body_in_file_only == BODY_IN_MEMORY ? open_nameless(dir)
                                                            : open_named(x, dir);
}

static int
open_temporary(struct exchange *x)
{
    int file = open_file(x);
    if (file < 0 && errno == ENOENT && mkdir(core_of(x)->client_body_temp_path.p, 0700) == 0)
        file = open_file(x);
    return file;
}

static int
write_all(int file, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(file, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            bytes = str_skip(bytes, (size_t)n);
    }
    return 0;
}

/* What is in memory so far goes to a file, and all that follows. */
static int
spill(struct exchange *x, struct str bytes)
{
    if (x->body_file < 0) {
        x->body_file = open_temporary(x); /* closed with the exchange */
        if (x->body_file < 0)
            return -errno;
    }
    return write_all(x->body_file, bytes);
}

static enum verdict
spill_failed(struct exchange *x, int error)
{
    return fail_errno(x, FAULT_INTERNAL, -error,
                      "writing a request body to a temporary file in \"" STR_FMT "\"",
                      STR_ARG(core_of(x)->client_body_temp_path));
}

/* One piece that is all there is stays where it is: a small POST is not copied twice. */
static enum verdict
read_whole(struct exchange *x)
{
    const struct core_settings *core = core_of(x);
    bool in_file = core->client_body_in_file_only != BODY_IN_MEMORY;
    size_t most = in_file ? 0 : core->client_body_buffer_size.n;
    bool sized = x->request.framing == FRAMING_LENGTH;
    struct chunk chunk;
    struct buf b;
    int r = body_next(x->request_body, &chunk);
    if (r > 0 && chunk.last && !in_file && chunk.bytes.n <= most) {
        x->buffered_body = arena_dup(&x->arena, chunk.bytes);
        (void)body_next(x->request_body, &chunk); /* the end: lets go of the piece's buffer */
        return PASS;
    }
    buf_init(&b, &x->arena,
             sized && x->request.content_length <= most ? (size_t)x->request.content_length : 0,
             most);
    for (; r > 0; r = body_next(x->request_body, &chunk)) {
        int error = 0;
        if (x->body_file < 0 && !in_file && chunk.bytes.n <= most - b.n)
            buf_put(&b, chunk.bytes);
        else if (x->body_file < 0 && (error = spill(x, buf_str(&b))) == 0)
            b.n = 0;
        if (x->body_file >= 0 && error == 0)
            error = spill(x, chunk.bytes);
        if (error < 0)
            return spill_failed(x, error);
    }
    if (r < 0)
        return client_fault(x, r);
    x->buffered_body = x->body_file < 0 ? buf_str(&b) : STR_NONE;
    return PASS;
}

enum verdict
request_body_read(struct exchange *x)
{
    if (x->body_kept || x->request_body == NULL)
        return PASS;
    enum verdict v = read_whole(x);
    if (v != PASS)
        return v;
    x->body_file_size =
        x->body_file < 0 ? x->buffered_body.n : (uint64_t)lseek(x->body_file, 0, SEEK_END);
    x->body_kept = true;
    return PASS;
}
