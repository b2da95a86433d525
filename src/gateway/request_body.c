/* The request's body on its way to the backend: whole in memory or in an unlinked file
 * (request_buffering), or as it comes by a second fiber. */
#include "gateway/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
    const struct str dir = x->location->core->client_body_temp_path;
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
spill(struct gateway *g, struct str bytes)
{
    if (g->body_file < 0) {
        g->body_file = g->x->body_file = open_temporary(g->x); /* closed with the exchange */
        if (g->body_file < 0)
            return -errno;
    }
    return write_all(g->body_file, bytes);
}

static enum verdict
spill_failed(struct gateway *g, int error)
{
    return fail_errno(g->x, FAULT_INTERNAL, -error,
                      "writing a request body to a temporary file in \"" STR_FMT "\"",
                      STR_ARG(g->x->location->core->client_body_temp_path));
}

/* Reads it whole. One piece that is all there is stays where it is: a small POST is not copied. */
static enum verdict
buffer_whole(struct gateway *g)
{
    struct exchange *x = g->x;
    size_t most = x->location->core->client_body_buffer_size.n;
    bool sized = x->request.framing == FRAMING_LENGTH;
    struct chunk chunk;
    struct buf b;
    int r = body_next(x->request_body, &chunk);
    if (r > 0 && chunk.last && chunk.bytes.n <= most) {
        g->body_bytes = arena_dup(&x->arena, chunk.bytes);
        (void)body_next(x->request_body, &chunk); /* the end: lets go of the piece's buffer */
        return PASS;
    }
    buf_init(&b, &x->arena,
             sized && x->request.content_length <= most ? (size_t)x->request.content_length : 0,
             most);
    for (; r > 0; r = body_next(x->request_body, &chunk)) {
        int error = 0;
        if (g->body_file < 0 && chunk.bytes.n <= most - b.n)
            buf_put(&b, chunk.bytes);
        else if (g->body_file < 0 && (error = spill(g, buf_str(&b))) == 0)
            b.n = 0;
        if (g->body_file >= 0 && error == 0)
            error = spill(g, chunk.bytes);
        if (error < 0)
            return spill_failed(g, error);
    }
    if (r < 0)
        return client_fault(x, r);
    g->body_bytes = g->body_file < 0 ? buf_str(&b) : STR_NONE;
    return PASS;
}

/* A second life for the body after an internal redirect of the same exchange. */
static bool
take_kept(struct gateway *g)
{
    struct exchange *x = g->x;
    if (!x->body_kept)
        return false;
    g->body_bytes = x->buffered_body;
    g->body_file = x->body_file;
    g->body_size = x->body_file_size;
    return true;
}

/* What the configuration puts in the place of the client's body. */
static bool
take_instead(struct gateway *g)
{
    if (g->my->set_body)
        g->body_bytes = template_eval(g->my->set_body, g->x);
    g->body_size = g->body_bytes.n;
    return g->my->set_body || g->x->request_body == NULL || !g->my->pass_request_body;
}

static void
stream(struct gateway *g)
{
    g->body_streams = true;
    g->body_chunked = g->x->request.framing != FRAMING_LENGTH;
    g->body_size = g->x->request.content_length;
}

enum verdict
gateway_take_body(struct gateway *g)
{
    struct exchange *x = g->x;
    if (take_instead(g))
        return PASS;
    if (!x->body_kept && x->body_streamed)
        return PASS; /* an earlier location has passed it on: it is gone */
    bool must_buffer = x->request.framing != FRAMING_LENGTH &&
                       (g->http_version == VERSION_10 || g->codec->needs_length);
    if (!g->my->request_buffering && !must_buffer && !x->body_kept) {
        stream(g);
        return PASS;
    }
    enum verdict v = take_kept(g) ? PASS : buffer_whole(g);
    if (v != PASS)
        return v;
    if (g->body_file < 0)
        g->body_size = g->body_bytes.n;
    else if (!x->body_kept)
        g->body_size = (uint64_t)lseek(g->body_file, 0, SEEK_END);
    x->body_kept = true;
    x->buffered_body = g->body_bytes;
    x->body_file_size = g->body_size;
    return PASS;
}

/* --- sending --- */

/* What is there whole. */
static int
upload_kept(struct gateway *g)
{
    const struct chunk all = {
        .bytes = g->body_bytes, .file = g->body_file, .file_size = g->body_size, .last = true
    };
    int r = g->codec->send_body(g, &all);
    return r < 0 ? r : g->codec->end_body(g);
}

/* Before it is sent: a shared connection may turn out to end before our stream. */
static void
keep_piece(struct gateway *g, const struct chunk *chunk)
{
    enum { REPLAY_MOST = 64 * 1024 };
    if (!g->codec->shares || g->head_taken || chunk->file >= 0)
        g->body_lost = true;
    if (g->body_lost)
        return;
    if (g->replay.arena == NULL)
        buf_init(&g->replay, &g->x->arena, chunk->bytes.n, REPLAY_MOST);
    buf_put(&g->replay, chunk->bytes);
    g->body_lost = g->replay.full;
}

static int
send_again(struct gateway *g)
{
    const struct chunk kept = { .bytes = buf_str(&g->replay), .file = -1 };
    return kept.bytes.n ? g->codec->send_body(g, &kept) : 0;
}

static int
upload_stream(struct gateway *g)
{
    struct chunk chunk;
    int r = send_again(g);
    if (r < 0)
        return r;
    g->x->body_streamed = true;
    while ((r = body_next(g->x->request_body, &chunk)) > 0) {
        g->body_begun = true;
        keep_piece(g, &chunk);
        g->moved_ms = clock_ms();
        r = g->codec->send_body(g, &chunk);
        if (r < 0)
            return r;
        g->moved_ms = clock_ms();
    }
    g->upload_client = r < 0;
    return r < 0 ? r : g->codec->end_body(g);
}

/* The first fiber waits for an answer that cannot come any more. It is told by the end of the
 * backend's connection and not by a cancellation, because it has yet to answer the client. */
static void
hang_up(struct gateway *g)
{
    if (g->codec->hang_up)
        g->codec->hang_up(g);
    else
        (void)shutdown(g->attempt.conn->conn.watch.fd, SHUT_RDWR);
}

/* The second fiber. A backend that stops reading may have answered: only its own silence counts,
 * and that is the first fiber's to judge. */
static void
upload(void *arg)
{
    struct gateway *g = arg;
    g->upload_error = g->body_streams ? upload_stream(g) : upload_kept(g);
    g->uploading = false;
    g->moved_ms = clock_ms();
    bool hopeless = g->upload_client || g->upload_error == -ETIMEDOUT;
    if (hopeless && !g->head_taken && !fiber_cancelled())
        hang_up(g);
}

bool
gateway_uploads(const struct gateway *g)
{
    enum { ANY_WINDOW = 16 * 1024 };
    return g->body_streams || g->body_file >= 0 ||
           (g->codec->shares && g->body_bytes.n > ANY_WINDOW);
}

void
gateway_send_body(struct gateway *g)
{
    if (!gateway_uploads(g))
        return;
    g->uploading = g->upload_started = true;
    g->upload_error = 0;
    child_start(&g->uploader, upload, g);
}

void
gateway_end_upload(struct gateway *g)
{
    if (!g->upload_started)
        return;
    g->upload_started = false;
    child_cancel(&g->uploader);
    child_join(&g->uploader);
}
