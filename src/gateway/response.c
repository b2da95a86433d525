/* The backend's head becomes the response: hop-by-hop and hidden fields go, X-Accel-* are obeyed,
 * redirects and cookies are rewritten. */
#include "gateway/gateway.h"

#include "exchange/error_page.h"
#include "exchange/upstream_trail.h"
#include "gateway/hop_by_hop.h"
#include "http/date.h"

#include <errno.h>

/* --- the body --- */

static bool is_hidden(const struct gateway *g, const struct field *f);

/* proxy_pass_trailers: what may go on behind the body. */
static void
take_trailers(struct gateway *g)
{
    struct fields *to = &g->x->response.trailers;
    for (unsigned i = 0; g->my->pass_trailers && i < g->trailers.n; i++) {
        const struct field *f = &g->trailers.v[i];
        if (!hop_is_bad_trailer(f->id) && !is_hidden(g, f))
            fields_push(to, f->name, f->value, f->id);
    }
}

static void
end_body(struct gateway *g)
{
    take_trailers(g);
    gateway_finish(g);
}

static int
next(struct body *b, struct chunk *out)
{
    struct gateway *g = container_of(b, struct gateway, body);
    bool ended = g->body_ended;
    int r = g->codec->read_body(g, out);
    if (r >= 0) {
        g->step->body += out->bytes.n;
        if (g->body_ended && !ended)
            end_body(g);
    } else if (!fiber_cancelled()) {
        enum fault fault = r == -ETIMEDOUT ? FAULT_UPSTREAM_BODY_TIMEOUT : FAULT_UPSTREAM_TRUNCATED;
        const char *why = g->why ? g->why : "upstream sent invalid chunked response";
        fail_errno(g->x, fault, r == -EPIPE || r == -EPROTO ? 0 : -r, "%s",
                   r == -EPROTO ? why : "");
        r = -EIO;
    }
    return r;
}

static bool
ready(struct body *b)
{
    struct gateway *g = container_of(b, struct gateway, body);
    if (g->codec->is_ready)
        return g->body_ended || g->codec->is_ready(g);
    return g->body_ended || g->end > g->start ||
           (g->attempt.conn && conn_maybe_readable(&g->attempt.conn->conn));
}

static void
close_body(struct body *b)
{
    struct gateway *g = container_of(b, struct gateway, body);
    gateway_finish(g);
    gateway_drop_input(g);
}

/* The try is over: the connection goes back to the pool when the response was read to its end. What
 * was read stays in g->in. */
void
gateway_finish(struct gateway *g)
{
    if (g->attempt.conn == NULL)
        return;
    bool keep = g->body_ended && g->codec->may_keep(g) && g->upload_error == 0;
    gateway_end_upload(g);
    g->step->response_us = (int64_t)(clock_us() - g->step->began_us);
    attempt_report(&g->attempt, ATTEMPT_GOOD);
    gateway_release(g, keep);
}

/* --- the head --- */

/* Not passed by default, unless proxy_pass_header names them. */
static bool
is_hidden_by_default(const struct gateway *g, enum header id)
{
    switch ((int)id) {
    case HEADER_DATE:
    case HEADER_SERVER:
    case HEADER_X_PAD:
        return !g->codec->is_cgi;
    case HEADER_STATUS:
        return g->codec->is_cgi && !g->codec->passes_status;
    case HEADER_X_ACCEL_EXPIRES:
    case HEADER_X_ACCEL_REDIRECT:
    case HEADER_X_ACCEL_LIMIT_RATE:
    case HEADER_X_ACCEL_BUFFERING:
    case HEADER_X_ACCEL_CHARSET:
        return true;
    default:
        return false;
    }
}

static bool
list_has(const struct name_list *list, const struct field *f)
{
    if (list == NULL)
        return false;
    return f->id != HEADER_OTHER ? list->known[f->id] : map_try(&list->names, f->name) != NULL;
}

static bool
is_hidden(const struct gateway *g, const struct field *f)
{
    if (list_has(g->my->hide, f))
        return true;
    return is_hidden_by_default(g, f->id) && !list_has(g->my->pass, f);
}

/* Fields that the response keeps apart. True when it took this one. */
static bool
take_apart(struct gateway *g, const struct field *f)
{
    struct response *r = &g->x->response;
    switch ((int)f->id) {
    case HEADER_CONTENT_TYPE:
        r->content_type = f->value;
        return true;
    case HEADER_CONTENT_LENGTH:
        return true;
    case HEADER_SERVER:
        r->server = f->value;
        return true;
    case HEADER_DATE:
        r->date = f->value;
        return true;
    default:
        return false;
    }
}

static struct str
rewritten(struct gateway *g, const struct field *f)
{
    switch ((int)f->id) {
    case HEADER_LOCATION:
    case HEADER_REFRESH:
        return rewrite_redirect(g, f->value);
    case HEADER_SET_COOKIE:
        return rewrite_cookie(g, f->value);
    default:
        return f->value;
    }
}

/* Upgrade and Connection go on with a 101 alone. */
static bool
stops_here(const struct gateway *g, const struct hop_names *names, const struct field *f)
{
    bool upgraded = g->head.status == 101;
    if (upgraded && (f->id == HEADER_CONNECTION || f->id == HEADER_UPGRADE))
        return false;
    return hop_is_bound(f->id) || hop_names_has(names, f) || is_hidden(g, f);
}

static void
copy_fields(struct gateway *g)
{
    struct fields *to = &g->x->response.fields;
    const struct fields *from = &g->head.fields;
    const struct hop_names names = hop_names_of(from);
    for (unsigned i = 0; i < from->n; i++) {
        const struct field *f = &from->v[i];
        if (!stops_here(g, &names, f) && !take_apart(g, f))
            fields_push(to, f->name, rewritten(g, f), f->id);
    }
}

static void
obey_limit_rate(struct gateway *g)
{
    struct str value = fields_value(&g->head.fields, HEADER_X_ACCEL_LIMIT_RATE);
    uint64_t rate;
    if (value.n && !(g->my->ignore_headers & IGNORE_X_ACCEL_LIMIT_RATE) &&
        str_to_u64(value, INT64_MAX, &rate)) {
        g->x->limit_rate = rate;
        g->x->limit_rate_known = true;
    }
}

static void
obey_charset(struct gateway *g)
{
    if (!(g->my->ignore_headers & IGNORE_X_ACCEL_CHARSET))
        g->x->response.charset = fields_value(&g->head.fields, HEADER_X_ACCEL_CHARSET);
}

/* X-Accel-Redirect: the backend leaves the answer to another location; some of its fields go along.
 */
static enum verdict
accel_redirect(struct gateway *g, struct str to)
{
    static const enum header kept[] = { HEADER_CONTENT_TYPE,  HEADER_CONTENT_DISPOSITION,
                                        HEADER_SET_COOKIE,    HEADER_ACCEPT_RANGES,
                                        HEADER_CACHE_CONTROL, HEADER_EXPIRES };
    struct exchange *x = g->x;
    struct fields carried;
    fields_init(&carried, &x->arena);
    for (unsigned i = 0; i < g->head.fields.n; i++)
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++)
            if (g->head.fields.v[i].id == kept[k])
                fields_add_known(&carried, kept[k], rewritten(g, &g->head.fields.v[i]));
    x->carried = carried;
    if (x->request.method != METHOD_HEAD && !str_starts(to, STR("@"))) {
        x->request.method = METHOD_GET;
        x->request.method_name = STR("GET");
    }
    return internal_redirect_encoded(x, to);
}

static void
discard(struct gateway *g)
{
    gateway_finish(g);
    gateway_drop_input(g);
}

static int64_t
announced_length(const struct gateway *g)
{
    bool known =
        g->head.framing == FRAMING_LENGTH ||
        (g->head.framing == FRAMING_NONE && fields_find(&g->head.fields, HEADER_CONTENT_LENGTH));
    return known ? (int64_t)g->head.content_length : -1;
}

/* proxy_force_ranges: parts of a whole answer are cut here, whatever the backend can. Its
 * validators are kept apart then, for If-Range. */
static void
offer_ranges(struct gateway *g)
{
    struct response *r = &g->x->response;
    if (!g->my->force_ranges || r->status != 200 || r->body == NULL)
        return;
    struct str etag = fields_value(&r->fields, HEADER_ETAG);
    time_t modified = date_parse_http(fields_value(&r->fields, HEADER_LAST_MODIFIED));
    if (etag.n) {
        r->etag = etag;
        fields_remove(&r->fields, HEADER_ETAG);
    }
    if (modified >= 0) {
        r->last_modified = modified;
        fields_remove(&r->fields, HEADER_LAST_MODIFIED);
    }
    fields_remove(&r->fields, HEADER_ACCEPT_RANGES);
    r->ranges_allowed = true;
}

/* proxy_limit_rate: the pace of reading. */
static struct body *
limited(struct gateway *g, struct body *b)
{
    uint64_t rate = 0;
    if (g->my->limit_rate && !parse_bytes(template_eval(g->my->limit_rate, g->x), &rate))
        rate = 0;
    return rate ? body_pace(&g->x->arena, b, rate, 0) : b;
}

static void
attach_body(struct gateway *g)
{
    static const struct body_ops ops = { .next = next, .ready = ready, .close = close_body };
    struct response *r = &g->x->response;
    r->content_length = announced_length(g);
    if (g->body_ended) {
        discard(g);
        return;
    }
    g->body.ops = &ops;
    r->body = limited(g, &g->body);
    offer_ranges(g);
    g->x->trail->trailers = &g->trailers;
}

/* error_page answers; what a client needs to log in stays with it. */
static enum verdict
intercept(struct gateway *g)
{
    struct exchange *x = g->x;
    response_init(x, g->head.status);
    for (unsigned i = 0; g->head.status == 401 && i < g->head.fields.n; i++)
        if (g->head.fields.v[i].id == HEADER_WWW_AUTHENTICATE)
            fields_add_known(&x->response.fields, HEADER_WWW_AUTHENTICATE,
                             g->head.fields.v[i].value);
    return status_only(x, g->head.status);
}

enum verdict
gateway_take_response(struct gateway *g)
{
    struct exchange *x = g->x;
    struct str redirect = fields_value(&g->head.fields, HEADER_X_ACCEL_REDIRECT);
    x->trail->fields = &g->head.fields;
    if (g->codec->own_missing && g->head.status == 404) {
        discard(g);
        return status_only(x, 404);
    }
    if (g->my->intercept_errors && g->head.status >= 300 && error_page_wants(x, g->head.status)) {
        discard(g);
        return intercept(g);
    }
    if (redirect.n && !(g->my->ignore_headers & IGNORE_X_ACCEL_REDIRECT)) {
        discard(g);
        return accel_redirect(g, redirect);
    }
    response_init(x, g->head.status);
    x->response.reason = g->head.reason;
    x->response.relayed = true;
    g->head_taken = true;
    obey_limit_rate(g);
    obey_charset(g);
    copy_fields(g);
    if (g->head.status == 101)
        return gateway_tunnel(g);
    attach_body(g);
    return DONE;
}
