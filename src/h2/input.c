/* Reading: bytes to nghttp2, as many as are there, within what is fair for a turn. */
#include "h2/link.h"

#include <errno.h>

/* Most bytes on the wire in which one field block may come, with what is between its frames. */
enum { READS_PER_TURN = 4, BLOCK_MOST = 256 * 1024 };

static void
refuse(struct h2_link *l, int error)
{
    if (error == NGHTTP2_ERR_FLOODED)
        h2_link_fail(l, -EPROTO, "client flood");
    else if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        h2_link_fail(l, -EPROTO, "invalid HTTP/2 preface");
    else
        h2_link_fail(l, error == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPROTO, nghttp2_strerror(error));
}

/* A field block that is not whole yet has little time, and may not grow for ever, were it by empty
 * CONTINUATION frames. */
static void
judge_block(struct h2_link *l)
{
    if (l->head_deadline == NEVER && l->settings.head_timeout_ms) {
        l->head_deadline = clock_in(l->settings.head_timeout_ms);
        h2_link_set_timer(l);
    }
    if (l->conn->bytes_read - l->budget.block_began > BLOCK_MOST)
        h2_link_calm(l, "client sent too large header block");
}

void
h2_input_take(struct h2_link *l, struct str bytes)
{
    if (bytes.n == 0)
        return;
    ssize_t n = nghttp2_session_mem_recv(l->session, (const uint8_t *)bytes.p, bytes.n);
    if (n < 0)
        refuse(l, (int)n);
    else if (l->block)
        judge_block(l);
}

/* The stream of bytes has ended, or cannot be read any more. */
static void
note_end(struct h2_link *l, ssize_t n)
{
    bool orderly = n == 0 && l->n_streams == 0;
    h2_link_fail(l, orderly ? -EPIPE : n == 0 ? -ECONNRESET : (int)n, NULL);
}

void
h2_input_read(struct h2_link *l)
{
    ssize_t n = 0;
    unsigned reads = 0;
    struct buffer *b = NULL;
    while (l->error == 0 && reads < READS_PER_TURN && conn_maybe_readable(l->conn)) {
        b = b ? b : buffer_take(BUFFER_SIZE);
        n = conn_try_read(l->conn, b->data, b->cap);
        if (n <= 0)
            break;
        h2_input_take(l, (struct str){ b->data, (size_t)n });
        reads++;
    }
    if (b && n <= 0 && n != -EAGAIN)
        note_end(l, n);
    buffer_put(b);
    l->read_again = l->error == 0 && conn_maybe_readable(l->conn);
    h2_link_touch(l);
}
