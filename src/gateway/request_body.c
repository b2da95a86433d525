/* The request's body on its way to the backend: whole in memory or in an unlinked file
 * (request_buffering), or as it comes by a second fiber. */
#include "exchange/body/request_body.h"
#include "gateway/gateway.h"

#include <errno.h>

/* What the configuration puts in the place of the client's body. */
static bool
take_instead(struct gateway *g)
{
    if (g->my->set_body)
        g->body_bytes = template_eval(g->my->set_body, g->x);
    g->body_size = g->body_bytes.n;
    bool none = g->x->request_body == NULL && !g->x->body_kept;
    return g->my->set_body || none || !g->my->pass_request_body;
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
    bool in_file = x->location->core->client_body_in_file_only != BODY_IN_MEMORY;
    enum verdict v = in_file && !x->body_streamed ? request_body_read(x) : PASS;
    if (v != PASS || take_instead(g))
        return v;
    if (!x->body_kept && x->body_streamed)
        return PASS; /* an earlier location has passed it on: it is gone */
    bool must_buffer = x->request.framing != FRAMING_LENGTH &&
                       (g->http_version == VERSION_10 || g->codec->needs_length);
    if (!g->my->request_buffering && !must_buffer && !x->body_kept) {
        stream(g);
        return PASS;
    }
    v = request_body_read(x);
    if (v != PASS)
        return v;
    g->body_bytes = x->buffered_body;
    g->body_file = x->body_file;
    g->body_size = x->body_file_size;
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
