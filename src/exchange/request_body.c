/* Reading a request's body whole, for backends that want its length, and for copies of it. */
#include "exchange/request_body.h"

#include "exchange/hosts/location.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
open_temporary(const struct exchange *x)
{
    const struct str dir = core_of(x)->client_body_temp_path;
    char path[4096];
    int file = open(dir.p, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || dir.n + 16 > sizeof path)
        return file;
    memcpy(path, dir.p, dir.n);
    memcpy(path + dir.n, "/usher-XXXXXX", 14);
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
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
    size_t most = core_of(x)->client_body_buffer_size.n;
    bool sized = x->request.framing == FRAMING_LENGTH;
    struct chunk chunk;
    struct buf b;
    int r = body_next(x->request_body, &chunk);
    if (r > 0 && chunk.last && chunk.bytes.n <= most) {
        x->buffered_body = arena_dup(&x->arena, chunk.bytes);
        (void)body_next(x->request_body, &chunk); /* the end: lets go of the piece's buffer */
        return PASS;
    }
    buf_init(&b, &x->arena,
             sized && x->request.content_length <= most ? (size_t)x->request.content_length : 0,
             most);
    for (; r > 0; r = body_next(x->request_body, &chunk)) {
        int error = 0;
        if (x->body_file < 0 && chunk.bytes.n <= most - b.n)
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
