/* From a request head to an exchange: parse, host, server, path. What is refused becomes the
 * exchange's failure. */
#include "front/h1_connection.h"

#include "exchange/secure/client_check.h"
#include "http/uri.h"

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

static void
refuse(struct exchange *x, enum fault fault, const char *why)
{
    x->early_failure = true;
    x->doing = "reading client request headers";
    x->keep_alive = false;
    fail(x, fault, "%s", why);
}

/* The head could not even be read whole. */
static void
refuse_unread(struct exchange *x, int error, struct str in, const struct server_settings *s)
{
    x->request.line = h1_first_line(in);
    x->request.version = VERSION_11;
    if (error == -ETIMEDOUT) {
        x->timed_out = true;
        refuse(x, FAULT_CLIENT_TIMEOUT, "");
    } else if (error == -E2BIG && str_find(in, '\n') < 0) {
        refuse(x, FAULT_URI_TOO_LONG, "");
    } else if (error == -E2BIG) {
        refuse(x, FAULT_HEADER_TOO_LARGE, "");
    } else {
        refuse(x, FAULT_BAD_REQUEST, "client prematurely closed connection");
        x->aborted = true;
    }
}

/* $host and the server: absolute-form first, then the Host field (RFC 9112 3.2.2). */
static bool
choose_server(struct exchange *x, const struct listen_address *l)
{
    struct request_head *r = &x->request;
    struct str authority = r->authority.p ? r->authority : fields_value(&r->fields, HEADER_HOST);
    int port;
    if (authority.p == NULL) {
        x->server = listen_address_server(l, STR(""), x);
        x->host = x->server->name;
        return true;
    }
    if (!host_parse(authority, &x->arena, &x->host, &port))
        return false;
    x->server = listen_address_server(l, x->host, x);
    return true;
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
    if (r->framing == FRAMING_CHUNKED)
        h1_chunked_init(&h->chunked, &x->request_trailers);
    h->body.ops = &ops;
    x->request_body = &h->body;
}

static void
set_path(struct exchange *x)
{
    struct request_head *r = &x->request;
    x->args = r->args;
    x->uri_is_raw = true;
    if (uri_normalize(r->path, x->server->settings->merge_slashes, &x->arena, &x->uri) != URI_OK)
        refuse(x, FAULT_BAD_REQUEST, "invalid URI");
}

static void
check_client(struct exchange *x)
{
    x->doing = "reading client request headers";
    x->early_failure = client_check(x) == FAILED;
    if (x->early_failure)
        x->keep_alive = false;
    else
        x->doing = NULL;
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
    x->server = l->fallback;
    x->host = x->server->name;
    x->uri = STR("/");
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
        refuse(x, fault, why);
        return;
    }
    x->keep_alive = x->request.keep_alive;
    if (!choose_server(x, l)) {
        refuse(x, FAULT_BAD_HOST, "client sent invalid host header");
        return;
    }
    attach_body(x, h);
    if (x->request.method == METHOD_TRACE || x->request.method == METHOD_CONNECT) {
        refuse(x, FAULT_METHOD_NOT_ALLOWED, "TRACE and CONNECT are not for a reverse proxy");
        return;
    }
    set_path(x);
    if (!x->early_failure)
        check_client(x);
}
