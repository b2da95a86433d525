/* Reading a request head. */
#include "front/h1_connection.h"

#include <errno.h>

/* The largest head, by large_client_header_buffers. */
static size_t
most_bytes(const struct server_settings *s)
{
    size_t large = s->large.n * s->large.size.n;
    return large > s->client_header_buffer_size.n ? large : s->client_header_buffer_size.n;
}

static void
make_room(struct h1_connection *c, size_t most)
{
    if (c->in->cap >= most)
        return;
    struct buffer *larger = buffer_take(most);
    memcpy(larger->data, c->in->data + c->start, c->end - c->start);
    buffer_put(c->in);
    c->in = larger;
    c->end -= c->start;
    c->start = 0;
}

/* CRLFs between pipelined requests are no request (RFC 9112 2.2). */
static void
skip_empty_lines(struct h1_connection *c)
{
    while (c->end - c->start >= 2 && memcmp(c->in->data + c->start, "\r\n", 2) == 0)
        c->start += 2;
}

int
h1_read_head(struct h1_connection *c, const struct server_settings *settings, struct str *head)
{
    size_t scanned = 0, size, most = most_bytes(settings);
    uint64_t deadline = clock_in(settings->client_header_timeout.ms);
    for (;;) {
        skip_empty_lines(c);
        *head = str_between(c->in->data + c->start, c->in->data + c->end);
        if (head->n && h1_find_head_end(*head, &scanned, &size) == H1_DONE) {
            *head = str_head(*head, size);
            c->start += size;
            return size > most ? -E2BIG : 1;
        }
        if (head->n >= most)
            return -E2BIG;
        make_room(c, most);
        if (head->n == 0) {
            c->start = c->end = 0;
            if (!conn_maybe_readable(&c->conn))
                return -EAGAIN;
        }
        ssize_t n = c->end == 0
                        ? conn_try_read(&c->conn, c->in->data, c->in->cap)
                        : conn_read(&c->conn, c->in->data + c->end, c->in->cap - c->end, deadline);
        if (n == -EAGAIN)
            return -EAGAIN;
        if (n <= 0) {
            *head = str_between(c->in->data + c->start, c->in->data + c->end);
            return head->n == 0 || n != -ETIMEDOUT ? (head->n ? -ECONNRESET : 0) : (int)n;
        }
        c->end += (size_t)n;
    }
}
