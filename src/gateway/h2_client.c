/* HTTP/2 towards a backend: a stream of a connection that other exchanges share (RFC 9113).
 *
 * All that outlives a piece is copied by the link or lies in the exchange's arena, so a stream may
 * be closed at any time, and the connection goes on without it. */
#include "gateway/gateway.h"

#include "exchange/upstream_trail.h"
#include "gateway/hop_by_hop.h"
#include "gateway/request_fields.h"
#include "h2/h2.h"

#include <errno.h>

/* g->own */
struct h2_client {
    struct h2_head head;      /* the request's, for all tries */
    struct h2_stream *stream; /* of the present try; NULL: none */
    uint64_t read_before;     /* by the connection, before the request */
};

static struct h2_client *
mine(const struct gateway *g)
{
    return g->own;
}

/* --- the request --- */

static void
add_client_fields(struct gateway *g, struct fields *to)
{
    const struct fields *from = &g->x->request.fields;
    const struct hop_names names = hop_names_of(from);
    for (unsigned i = 0; i < from->n; i++)
        if (request_passes(g, &names, &from->v[i]))
            fields_push(to, from->v[i].name, from->v[i].value, from->v[i].id);
}

/* Host is :authority here; TE goes with "trailers" alone. */
static void
add_set_headers(struct gateway *g, struct h2_head *h)
{
    const struct set_headers *set = g->my->set_headers;
    for (unsigned i = 0; set && i < set->n; i++) {
        enum header id = set->v[i].id;
        struct str value = request_value(g, &set->v[i]);
        if (value.n == 0)
            continue;
        if (id == HEADER_HOST)
            h->authority = value;
        else if (!hop_is_bound(id) || (id == HEADER_TE && str_eq(value, STR("trailers"))))
            fields_push(&h->fields, set->v[i].name, value, id);
    }
}

/* RFC 9110 10.1.4: a client that takes trailers gets those of the backend. */
static void
add_te(struct gateway *g, struct fields *to)
{
    const struct field *te = fields_find(&g->x->request.fields, HEADER_TE);
    if (te && !request_sets(g, HEADER_TE) && list_has_token(te->value, STR("trailers")))
        fields_add_known(to, HEADER_TE, STR("trailers"));
}

static void
add_length(struct gateway *g, struct fields *to)
{
    char digits[U64_DIGITS];
    struct str length = str_of_u64(g->body_size, digits);
    fields_add_known(to, HEADER_CONTENT_LENGTH, arena_dup(&g->x->arena, length));
}

static enum verdict
write_request(struct gateway *g)
{
    struct h2_client *my = arena_new(&g->x->arena, struct h2_client);
    struct h2_head *h = &my->head;
    g->own = my;
    h->method = request_method(g);
    h->scheme = g->target.tls ? STR("https") : STR("http");
    h->authority = request_sets(g, HEADER_HOST) ? STR_NONE : g->target.host;
    h->path = g->target.uri;
    fields_init(&h->fields, &g->x->arena);
    add_set_headers(g, h);
    if (request_has_length(g))
        add_length(g, &h->fields);
    if (g->my->pass_request_headers) {
        add_client_fields(g, &h->fields);
        add_te(g, &h->fields);
    }
    return request_check_line(g, h->method, h->path);
}

static bool
has_body(const struct gateway *g)
{
    return g->body_streams || g->body_file >= 0 || g->body_bytes.n > 0;
}

/* The client's trailers go along with the body that they follow. */
static int
end_body(struct gateway *g)
{
    const struct fields *from = &g->x->request_trailers;
    struct fields trailers;
    fields_init(&trailers, &g->x->arena);
    for (unsigned i = 0; i < from->n; i++)
        if (!hop_is_bad_trailer(from->v[i].id))
            fields_push(&trailers, from->v[i].name, from->v[i].value, from->v[i].id);
    return h2_write_end(mine(g)->stream, &trailers, g->my->send_timeout.ms);
}

static int
send_request(struct gateway *g)
{
    struct h2_client *my = mine(g);
    struct upstream_conn *c = g->attempt.conn;
    my->read_before = c->conn.bytes_read;
    g->sent_before = c->conn.sent;
    my->stream = h2_request(c->h2, &my->head, !has_body(g), &g->x->arena, g);
    g->unprocessed = my->stream == NULL;
    if (my->stream == NULL)
        return -EPIPE;
    g->request_sent = true;
    if (g->body_bytes.n == 0 || gateway_uploads(g))
        return 0;
    bool last = g->x->request_trailers.n == 0;
    int r = h2_write(my->stream, g->body_bytes, last, g->my->send_timeout.ms);
    return r < 0 || last ? r : end_body(g);
}

static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    struct h2_stream *s = mine(g)->stream;
    uint64_t patience = g->my->send_timeout.ms;
    if (chunk->file >= 0)
        return h2_write_file(s, chunk->file, chunk->file_offset, chunk->file_size, false, patience);
    return h2_write(s, chunk->bytes, false, patience);
}

/* --- the response --- */

/* Nothing at all came for so long: others shall not be sent after us. */
static void
distrust(struct gateway *g)
{
    struct upstream_conn *c = g->attempt.conn;
    if (c->conn.bytes_read == mine(g)->read_before)
        c->retired = true;
}

/* As in backend_io.c: the backend's time begins when it has the whole request. */
static bool
may_wait_on(struct gateway *g, uint64_t *deadline)
{
    uint64_t patience = g->my->read_timeout.ms;
    *deadline = g->uploading ? clock_in(patience) : g->moved_ms + patience;
    return *deadline > clock_ms();
}

static int
await_head(struct gateway *g)
{
    uint64_t deadline = clock_in(g->my->read_timeout.ms);
    int r;
    do
        r = h2_read_head(mine(g)->stream, deadline);
    while (r == -ETIMEDOUT && may_wait_on(g, &deadline));
    if (r == -ETIMEDOUT)
        distrust(g);
    return r;
}

/* Why there is no head. */
static int
explain(struct gateway *g, int r, const char **why)
{
    const struct h2_stream *s = mine(g)->stream;
    int dead = h2_link_error(s->link, NULL);
    if (r == -ESTALE) {
        g->unprocessed = true;
        *why = "upstream refused the stream";
        return -EPIPE;
    }
    if (r == -EPROTO) {
        *why = s->why ? arena_printf(&g->x->arena, "%s", s->why).p : NULL;
        return r;
    }
    if (r == -ECONNRESET && dead == -EPIPE)
        return -EPIPE;
    if (r == -ECONNRESET && dead == 0)
        *why = arena_printf(&g->x->arena, "upstream reset the stream with error %u", s->error).p;
    return r;
}

static bool
is_bodiless(const struct gateway *g)
{
    unsigned status = g->head.status;
    return g->x->request.method == METHOD_HEAD || status == 204 || status == 304;
}

/* nghttp2 has seen to it that a length is a number and is kept to. */
static void
take_framing(struct gateway *g, const struct h2_stream *s)
{
    struct str length = fields_value(&g->head.fields, HEADER_CONTENT_LENGTH);
    bool known = length.n && str_to_u64(length, INT64_MAX, &g->head.content_length);
    bool empty = h2_has_ended(s) && s->trailers.n == 0;
    g->body_ended = is_bodiless(g) || empty;
    g->head.framing = g->body_ended ? FRAMING_NONE : known ? FRAMING_LENGTH : FRAMING_STREAM;
    g->left = g->head.content_length;
}

static int
read_head(struct gateway *g, const char **why)
{
    const struct h2_stream *s = mine(g)->stream;
    int r = s ? await_head(g) : -EPIPE;
    if (r < 0)
        return s ? explain(g, r, why) : r;
    if (s->head_bytes > g->my->buffer_size.n)
        return -EMSGSIZE;
    g->step->received += s->head_bytes;
    g->head = (struct response_head){ .status = s->head.status,
                                      .version = VERSION_20,
                                      .fields = s->head.fields,
                                      .keep_alive = true };
    *why = "upstream switches protocols in HTTP/2";
    if (g->head.status == 101)
        return -EPROTO;
    if (g->head.status >= 200)
        take_framing(g, s);
    return 0;
}

static int
read_body(struct gateway *g, struct chunk *out)
{
    struct h2_stream *s = mine(g)->stream;
    uint64_t deadline = clock_in(g->my->read_timeout.ms);
    int r;
    if (g->body_ended)
        return 0;
    do
        r = h2_read(s, &out->bytes, deadline);
    while (r == -ETIMEDOUT && may_wait_on(g, &deadline));
    if (r < 0) {
        g->why = r == -EPROTO ? s->why : NULL;
        return r;
    }
    g->step->received += out->bytes.n;
    g->body_ended = r == 0;
    g->trailers = s->trailers;
    out->last = r > 0 && s->last_piece && s->trailers.n == 0;
    return r;
}

static bool
is_ready(const struct gateway *g)
{
    const struct h2_stream *s = mine(g)->stream;
    return s && h2_is_readable(s);
}

static bool
may_keep(const struct gateway *g)
{
    return true;
}

/* --- the end of a try --- */

static void
hang_up(struct gateway *g)
{
    if (mine(g)->stream)
        h2_reset(mine(g)->stream, H2_CANCEL);
    fiber_wake(g->fiber);
}

static void
end_try(struct gateway *g)
{
    struct h2_client *my = mine(g);
    if (my->stream == NULL)
        return;
    g->step->sent += my->stream->bytes_sent;
    h2_stream_close(my->stream);
    my->stream = NULL;
}

const struct client_codec h2_client_codec = {
    .name = "HTTP/2",
    .shares = true,
    .write_request = write_request,
    .send_request = send_request,
    .send_body = send_body,
    .end_body = end_body,
    .read_head = read_head,
    .read_body = read_body,
    .may_keep = may_keep,
    .is_ready = is_ready,
    .hang_up = hang_up,
    .end_try = end_try,
};
