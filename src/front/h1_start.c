/* From a request head to an exchange: parse, host, server, path. What is refused becomes the
 * exchange's failure. */
#include "front/h1_connection.h"

#include "front/start.h"

#include <errno.h>

static struct h1_limits
limits_of(const struct server_settings *s)
{
    return (struct h1_limits){ .line = s->large.size.n > s->client_header_buffer_size.n
                                           ? s->large.size.n
                                           : s->client_header_buffer_size.n,
                               .fields = s->max_headers,
                               .underscores = s->underscores_in_headers,
                               .ignore_invalid = s->ignore_invalid_headers };
}

/* The head could not even be read whole. */
static void
refuse_unread(struct exchange *x, int error, struct str in, const struct server_settings *s)
{
    x->request.line = h1_first_line(in);
    x->request.version = VERSION_11;
    if (error == -ETIMEDOUT) {
        x->timed_out = true;
        start_refuse(x, FAULT_CLIENT_TIMEOUT, "");
    } else if (error == -E2BIG && str_find(in, '\n') < 0) {
        start_refuse(x, FAULT_URI_TOO_LONG, "");
    } else if (error == -E2BIG) {
        start_refuse(x, FAULT_HEADER_TOO_LARGE, "");
    } else {
        start_refuse(x, FAULT_BAD_REQUEST, "client prematurely closed connection");
        x->aborted = true;
    }
}

static int
next_body(struct body *b, struct chunk *out)
{
    return h1_read_body(container_of(b, struct h1_exchange, body)->x, out);
}

static void
attach_body(struct exchange *x, struct h1_exchange *h)
{
    static const struct body_ops ops = { .next = next_body };
    struct request_head *r = &x->request;
    h->body_ended =
        r->framing == FRAMING_NONE || (r->framing == FRAMING_LENGTH && r->content_length == 0);
    h->left = r->content_length;
    h->continue_owed = r->expect_continue && r->version >= VERSION_11;
    if (h->body_ended)
        return;
    if (r->framing == FRAMING_CHUNKED) {
        h->chunked = arena_raw(&x->arena, sizeof *h->chunked);
        h1_chunked_init(h->chunked, &x->request_trailers);
    }
    h->body.ops = &ops;
    x->request_body = &h->body;
}

void
h1_start_exchange(struct exchange *x, struct h1_exchange *h, const struct listen_address *l,
                  struct str head)
{
    struct h1_connection *c = h->connection;
    const struct server_settings *settings = l->fallback->settings;
    const struct h1_limits limits = limits_of(settings);
    enum fault fault;
    const char *why;
    start_init(x, l);
    x->request_bytes = head.n;
    h->body_ended = true;
    if (c->head_error) {
        refuse_unread(x, c->head_error, head, settings);
        return;
    }
    if (h1_parse_request(head, &limits, &x->request, &fault, &why) != H1_DONE) {
        x->request.line = h1_first_line(head);
        if (x->request.version == 0)
            x->request.version = VERSION_11;
        start_refuse(x, fault, why);
        return;
    }
    x->keep_alive = x->request.keep_alive;
    if (!start_choose_server(x, l))
        return;
    attach_body(x, h);
    start_path(x);
}
