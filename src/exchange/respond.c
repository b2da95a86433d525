/* The response's way out. */
#include "exchange/respond.h"

#include "exchange/hosts/location.h"

#include <errno.h>

/* What an earlier answer left for this one; it does not go over what this one says itself. */
static void
add_carried(struct exchange *x)
{
    struct response *r = &x->response;
    for (unsigned i = 0; i < x->carried.n; i++) {
        const struct field *f = &x->carried.v[i];
        if (f->id == HEADER_CONTENT_TYPE)
            r->content_type = f->value;
        else if (f->id == HEADER_ACCEPT_RANGES)
            r->ranges_allowed = r->ranges_allowed && str_eq(f->value, STR("bytes"));
        else if (f->id == HEADER_SET_COOKIE || fields_find_named(&r->fields, f->name) == NULL)
            fields_push(&r->fields, f->name, f->value, f->id);
    }
    x->carried.n = 0;
}

static void
finish_head(struct exchange *x)
{
    struct response *r = &x->response;
    if (x->error_keeps_status) {
        r->status = x->error_status;
        r->reason = STR_NONE;
    }
    if (r->status == 204 && (!r->relayed || x->error_keeps_status)) /* a backend's keeps its own */
        r->content_type = STR_NONE;
    if (r->status != 200 && r->status != 206 && r->status != 304)
        r->last_modified = -1; /* it would date the error */
    add_carried(x);
}

bool
respond_filter(struct exchange *x)
{
    const struct calls *calls = &(x->location ? x->location : x->server->root)->on_response;
    bool refused_before = x->refused != 0;
    finish_head(x);
    for (unsigned i = 0; i < calls->n; i++) {
        if (x->is_subrequest && !calls->v[i].feature->filters_subrequests)
            continue;
        calls->v[i].feature->on_response(x, calls->v[i].settings);
        if (x->refused && !refused_before)
            return false;
    }
    return true;
}

static bool
has_no_body(const struct exchange *x)
{
    unsigned status = x->response.status;
    return x->request.method == METHOD_HEAD || status == 204 || status == 304;
}

static void
complete_trailers(struct exchange *x)
{
    struct response *r = &x->response;
    if (r->at_end.run)
        r->at_end.run(x, r->at_end.settings);
    r->at_end.run = NULL;
}

/* Pulls and writes until the end. A head that is held back leaves before the first wait. */
static int
send_body(struct exchange *x)
{
    struct body *body = x->response.body;
    struct chunk chunk;
    int r = 0;
    while (body) {
        if (!body_ready(body) && (r = x->codec->flush(x)) < 0)
            return r;
        r = body_next(body, &chunk);
        if (r <= 0)
            break;
        if (chunk.last)
            complete_trailers(x);
        r = x->codec->write_body(x, &chunk);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    complete_trailers(x);
    return x->codec->write_end(x);
}

void
respond(struct exchange *x)
{
    if (x->limit_rate && x->response.body)
        x->response.body =
            body_pace(&x->arena, x->response.body, x->limit_rate, x->limit_rate_after);
    int r = x->codec->write_head(x);
    x->head_sent = true;
    if (r == 0)
        r = has_no_body(x) ? x->codec->write_end(x) : send_body(x);
    if (r < 0) {
        x->aborted = true;
        if (r == -ETIMEDOUT)
            exchange_log(x, LEVEL_INFO, ETIMEDOUT, "client timed out while sending response");
        else if (r == -EPIPE || r == -ECONNRESET)
            exchange_log(x, LEVEL_INFO, -r, "client closed connection while sending response");
    }
    body_close(x->response.body);
    x->response.body = NULL;
}
