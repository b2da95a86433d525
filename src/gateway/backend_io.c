/* One connection, one exchange: what goes out is counted for $upstream_bytes_sent and for the
 * question whether the request may be sent again. */
#include "gateway/backend_io.h"

#include "exchange/upstream_trail.h"

#include <errno.h>

struct conn *
backend_conn(struct gateway *g)
{
    return &g->attempt.conn->conn;
}

static int
count_sent(struct gateway *g, uint64_t before, int r)
{
    g->step->sent += backend_conn(g)->bytes_written - before;
    g->request_sent |= backend_conn(g)->bytes_written > before;
    return r;
}

int
backend_writev(struct gateway *g, struct iovec *iov, int n)
{
    uint64_t before = backend_conn(g)->bytes_written;
    return count_sent(g, before, conn_writev(backend_conn(g), iov, n, g->my->send_timeout.ms));
}

int
backend_sendfile(struct gateway *g, int file, off_t offset, size_t n)
{
    struct conn *conn = backend_conn(g);
    uint64_t before = conn->bytes_written;
    return count_sent(g, before, conn_sendfile(conn, file, &offset, n, g->my->send_timeout.ms));
}

/* The backend's time begins when it has the whole request: an upload may take as long as it moves
 * (client_body_timeout and send_timeout watch over that). */
static int
await_bytes(struct gateway *g)
{
    uint64_t patience = g->my->read_timeout.ms, deadline = clock_in(patience);
    for (;;) {
        int r = conn_wait_readable(backend_conn(g), deadline);
        uint64_t later = g->uploading ? clock_in(patience) : g->moved_ms + patience;
        if (r != -ETIMEDOUT || later <= clock_ms())
            return r;
        deadline = later;
    }
}

static void
move_down(struct gateway *g, struct buffer *to)
{
    memmove(to->data, g->in->data + g->start, g->end - g->start);
    g->end -= g->start;
    g->start = 0;
    if (to == g->in)
        return;
    buffer_put(g->in);
    g->in = to;
}

/* Room for what comes: heads that were read already leave theirs. A head that is too large for a
 * small buffer gets a large one. */
static size_t
make_room(struct gateway *g, size_t most)
{
    size_t size = most > BUFFER_SIZE ? most : BUFFER_SIZE;
    if (g->in == NULL)
        g->in = g->x->codec->shares ? buffer_take_small() : buffer_take(size);
    if (g->end == g->in->cap)
        move_down(g, g->start > 0 ? g->in : buffer_take(size));
    size_t room = g->in->cap - g->end;
    return room < most ? room : most;
}

ssize_t
backend_fill(struct gateway *g, size_t most)
{
    struct conn *conn = backend_conn(g);
    if (g->start == g->end) {
        g->start = g->end = 0;
        if (!conn_maybe_readable(conn))
            gateway_drop_input(g);
    }
    int r = conn_maybe_readable(conn) ? 0 : await_bytes(g);
    if (r < 0)
        return r;
    size_t room = make_room(g, most);
    ssize_t n = conn_read(conn, g->in->data + g->end, room, clock_in(g->my->read_timeout.ms));
    if (n > 0) {
        g->end += (size_t)n;
        g->step->received += (uint64_t)n;
    }
    return n;
}

ssize_t
backend_fill_head(struct gateway *g)
{
    size_t most = g->my->buffer_size.n;
    if (backend_unread(g).n >= most)
        return -EMSGSIZE;
    return backend_fill(g, most > BUFFER_SIZE ? most : BUFFER_SIZE);
}

struct str
backend_unread(const struct gateway *g)
{
    return g->in ? str_between(g->in->data + g->start, g->in->data + g->end) : STR_NONE;
}
