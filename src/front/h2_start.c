/* From a stream's head to an exchange (RFC 9113 8.3.1): what HTTP/2 calls otherwise gets the names
 * that the rest of the house knows. */
#include "front/h2_connection.h"

#include "front/start.h"
#include "wire/h1_parse.h"

#include <errno.h>

/* --- The body --- */

static uint64_t
body_deadline(const struct exchange *x)
{
    return clock_in((x->location ? x->location : x->server->root)->core->client_body_timeout.ms);
}

int
h2_read_body(struct exchange *x, struct chunk *out)
{
    struct h2_exchange *h = x->connection;
    int r = 0;
    if (h->continue_owed && !x->head_sent && !h2_is_readable(h->stream))
        r = x->codec->write_interim(x, 100, NULL);
    h->continue_owed = false;
    if (r == 0)
        r = h2_read(h->stream, &out->bytes, body_deadline(x));
    if (r > 0) {
        out->last = h->stream->last_piece;
        x->body_received += out->bytes.n;
        x->request_bytes += out->bytes.n;
    } else if (r == 0) {
        x->request_trailers = h->stream->trailers;
    }
    return r;
}

static int
next_body(struct body *b, struct chunk *out)
{
    return h2_read_body(container_of(b, struct h2_exchange, body)->x, out);
}

static void
attach_body(struct exchange *x, struct h2_exchange *h)
{
    static const struct body_ops ops = { .next = next_body };
    const struct request_head *r = &x->request;
    if (h->extended || r->framing == FRAMING_NONE ||
        (r->framing == FRAMING_LENGTH && r->content_length == 0))
        return;
    h->continue_owed = r->expect_continue;
    h->body.ops = &ops;
    x->request_body = &h->body;
}

/* --- The head --- */

/* What nginx writes for $request. */
static struct str
make_line(struct arena *a, struct str method, struct str path)
{
    static const struct str version = { " HTTP/2.0", 9 };
    size_t n = method.n + 1 + path.n + version.n;
    char *p = arena_text(a, n);
    memcpy(p, method.p, method.n);
    p[method.n] = ' ';
    memcpy(p + method.n + 1, path.p, path.n);
    memcpy(p + n - version.n, version.p, version.n);
    return (struct str){ p, n };
}

/* Names with underscores are dropped, or refused, as those of HTTP/1 are. */
static bool
has_underscore(const struct field *f)
{
    return f->id == HEADER_OTHER && memchr(f->name.p, '_', f->name.n) != NULL;
}

/* False: the request is to be refused for one of them. */
static bool
take_fields(struct exchange *x, const struct server_settings *s, struct h1_facts *facts)
{
    struct fields *f = &x->request.fields;
    unsigned kept = 0;
    for (unsigned i = 0; i < f->n; i++) {
        if (!s->underscores_in_headers && has_underscore(&f->v[i])) {
            if (!s->ignore_invalid_headers)
                return false;
            continue;
        }
        h1_note(facts, &f->v[i]);
        f->v[kept++] = f->v[i];
    }
    f->n = kept;
    return true;
}

/* RFC 3986 6.2.3: without the port that the scheme implies. */
static struct str
without_port(struct str authority, struct str scheme)
{
    struct str port = str_eq_nocase(scheme, STR("https")) ? STR(":443") : STR(":80");
    return str_ends(authority, port) ? str_head(authority, authority.n - port.n) : authority;
}

/* :authority is what Host is in HTTP/1; one that says otherwise is malformed. */
static bool
take_authority(struct exchange *x, struct str authority, struct str scheme)
{
    struct request_head *r = &x->request;
    const struct field *host = fields_find(&r->fields, HEADER_HOST);
    if (authority.n == 0)
        return true;
    r->authority = authority;
    if (host)
        return str_eq_nocase(without_port(host->value, scheme), without_port(authority, scheme));
    fields_push(&r->fields, STR("host"), authority, HEADER_HOST);
    return true;
}

/* A tunnel's bytes are no body. */
static void
set_framing(struct request_head *r, const struct h1_facts *facts, const struct h2_exchange *h)
{
    r->keep_alive = true;
    r->expect_continue = facts->expects_continue;
    r->framing = h->bodiless || h->extended ? FRAMING_NONE : FRAMING_STREAM;
    if (!h->extended && facts->lengths && h1_read_length(facts, &r->content_length))
        r->framing = FRAMING_LENGTH;
}

static void
refuse_size(struct exchange *x, unsigned status)
{
    start_refuse(x, status == 414 ? FAULT_URI_TOO_LONG : FAULT_HEADER_TOO_LARGE, "");
}

/* What HTTP asks of the head beyond what HTTP/2 does. False: refused. */
static bool
take_head(struct exchange *x, struct h2_exchange *h, const struct server_settings *s)
{
    const struct h2_head *from = &h->stream->head;
    struct request_head *r = &x->request;
    struct h1_facts facts = { 0 };
    bool target = r->path.n > 0 && (h->extended || h1_cut_target(from->path, r));
    const char *why = NULL;
    if (!target)
        why = "invalid request target";
    else if (!take_fields(x, s, &facts))
        why = "client sent invalid header line";
    else if (facts.doubled || facts.hosts > 1)
        why = "duplicate header line";
    else if (!take_authority(x, from->authority, from->scheme))
        why = "\":authority\" and \"host\" differ";
    if (why)
        start_refuse(x, FAULT_BAD_REQUEST, why);
    set_framing(r, &facts, h);
    return why == NULL;
}

static bool
is_cut_short(const struct h2_head *head)
{
    return head->method.n == 0 || head->path.n == 0;
}

void
h2_start_exchange(struct exchange *x, struct h2_exchange *h, const struct listen_address *l)
{
    const struct h2_head *from = &h->stream->head;
    struct request_head *r = &x->request;
    start_init(x, l);
    x->keep_alive = true;
    x->request_bytes = h->stream->head_bytes;
    r->version = VERSION_20;
    r->fields = from->fields;
    r->method_name = from->method;
    r->method = from->method.n ? method_id(from->method) : METHOD_OTHER;
    r->path = r->target = from->path;
    if (!is_cut_short(from))
        r->line = make_line(&x->arena, from->method, from->path);
    if (h->refused) {
        refuse_size(x, h->refused);
        return;
    }
    if (from->protocol.p)
        h2_websocket_request(x, h);
    if (take_head(x, h, l->fallback->settings) && start_choose_server(x, l)) {
        attach_body(x, h);
        start_path(x);
    }
}
