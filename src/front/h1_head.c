/* Reading a request head.
 *
 * Heads are read into a pooled buffer that holds any of them. A client that stalls in the middle of
 * its head keeps only as much memory as it has sent bytes. */
#include "front/h1_connection.h"

#include <errno.h>

/* What a stalled head's own buffer has room for beyond it; empty lines that may precede a request.
 */
enum { SPARE = 1024, BLANKS_MAX = 16 };

/* The largest head, by large_client_header_buffers. */
static size_t
most_bytes(const struct server_settings *s)
{
    size_t large = s->large.n * s->large.size.n;
    return large > s->client_header_buffer_size.n ? large : s->client_header_buffer_size.n;
}

/* client_header_timeout is for the whole head; the first one's runs from the accept, as nginx's. */
static uint64_t
deadline_of(const struct h1_connection *c, const struct server_settings *s)
{
    uint64_t timeout = s->client_header_timeout.ms;
    return c->base->client.requests == 0 ? c->base->client.began_ms + timeout : clock_in(timeout);
}

static void
move_to(struct h1_connection *c, struct buffer *to)
{
    size_t n = c->end - c->start;
    memcpy(to->data, c->in->data + c->start, n);
    buffer_put(c->in);
    c->in = to;
    c->start = 0;
    c->end = n;
}

/* Room for a head of that size. */
static void
make_room(struct h1_connection *c, size_t most)
{
    h1_release_input(c);
    if (c->in == NULL)
        c->in = buffer_take(most);
    else if (c->end == c->in->cap)
        move_to(c, buffer_take(most));
}

static void
make_small(struct h1_connection *c)
{
    if (c->in->cap >= BUFFER_SIZE)
        move_to(c, buffer_take_exact(c->end - c->start + SPARE));
}

/* CRLFs between pipelined requests are no request (RFC 9112 2.2); whoever sends nothing else is no
 * client. */
static bool
skip_empty_lines(struct h1_connection *c)
{
    size_t from = c->start;
    while (c->end - c->start >= 2 && c->blanks < BLANKS_MAX &&
           memcmp(c->in->data + c->start, "\r\n", 2) == 0) {
        c->start += 2;
        c->blanks++;
    }
    return c->start > from;
}

static bool
ends_in_version(struct str line)
{
    return line.n > 10 && line.p[line.n - 1] == '\r' &&
           memcmp(line.p + line.n - 10, " HTTP/", 6) == 0;
}

/* What can never become a request is answered at once: a client that speaks something else (TLS)
 * waits for us. */
static bool
is_hopeless(struct str head)
{
    if (head.n == 0 || (head.n == 1 && head.p[0] == '\r'))
        return false;
    char first = head.p[0];
    if (!(first >= 'A' && first <= 'Z') && first != '_' && first != '-')
        return true;
    ptrdiff_t feed = str_find(head, '\n');
    return feed >= 0 && !ends_in_version(str_head(head, (size_t)feed));
}

/* > 0: more is there; 0: the stream has ended; -EAGAIN: nothing came, and nothing has begun. */
static ssize_t
read_some(struct h1_connection *c, size_t most, uint64_t deadline)
{
    bool begun = c->end > c->start;
    for (;;) {
        if (!conn_maybe_readable(&c->base->conn)) {
            if (!begun)
                return -EAGAIN;
            make_small(c);
            int r = conn_wait_readable(&c->base->conn, deadline);
            if (r < 0)
                return r;
        }
        make_room(c, most);
        ssize_t n = conn_try_read(&c->base->conn, c->in->data + c->end, c->in->cap - c->end);
        if (n > 0)
            c->end += (size_t)n;
        if (n != -EAGAIN)
            return n;
    }
}

/* What the end of the stream, or an error, means to a head of which n bytes have come. */
static int
judge_end(ssize_t error, size_t n)
{
    if (error == -EAGAIN)
        return -EAGAIN;
    if (n == 0 || error == -ECANCELED)
        return 0;
    return error == -ETIMEDOUT ? -ETIMEDOUT : -ECONNRESET;
}

int
h1_read_head(struct h1_connection *c, const struct server_settings *settings, struct str *head)
{
    size_t scanned = 0, size, most = most_bytes(settings);
    uint64_t deadline = deadline_of(c, settings);
    for (;;) {
        if (skip_empty_lines(c))
            scanned = 0;
        *head = h1_unread(c);
        if (head->n && h1_find_head_end(*head, &scanned, &size) == H1_DONE) {
            *head = str_head(*head, size);
            c->start += size;
            return size > most ? -E2BIG : 1;
        }
        if (head->n >= most || is_hopeless(*head)) {
            c->start = c->end;
            return head->n >= most ? -E2BIG : 1;
        }
        ssize_t n = read_some(c, most, deadline);
        if (n <= 0) {
            *head = h1_unread(c);
            return judge_end(n, head->n);
        }
    }
}
