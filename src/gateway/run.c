/* The tries: pick a server, connect, ask, read the head; go to the next one while that is allowed
 * and nothing was sent to the client. */
#include "gateway/outcome.h"

#include "exchange/upstream_trail.h"
#include "gateway/explain.h"
#include "gateway/hop_by_hop.h"
#include "gateway/tls_settings.h"
#include "h2/h2.h"
#include "observe/log.h"

#include <errno.h>

static const struct outcome fine;

static struct upstream_trail *
trail_of(struct gateway *g)
{
    struct exchange *x = g->x;
    if (x->trail == NULL)
        x->trail = arena_new(&x->arena, struct upstream_trail);
    else if (x->trail->last)
        x->trail->last->group_end = true;
    x->trail->host = g->target.named ? g->target.host : STR("");
    x->trail->port = g->target.named ? g->target.port : STR("");
    x->trail->scheme = g->target.scheme;
    x->trail->uri = g->target.uri;
    return x->trail;
}

static void
begin_step(struct gateway *g, struct str peer)
{
    struct upstream_trail *trail = g->x->trail;
    struct upstream_step *step = arena_new(&g->x->arena, struct upstream_step);
    *step = (struct upstream_step){
        .peer = peer, .began_us = clock_us(), .connect_us = -1, .header_us = -1, .response_us = -1
    };
    if (trail->last)
        trail->last->next = step;
    else
        trail->first = step;
    trail->last = step;
    g->step = step;
}

/* The client failed while its body was being passed on. */
static struct outcome
client_fault(int error)
{
    switch (error) {
    case -ETIMEDOUT:
        return (struct outcome){ FAULT_CLIENT_TIMEOUT, ETIMEDOUT, NULL };
    case -EFBIG:
        return (struct outcome){ FAULT_BODY_TOO_LARGE, 0, NULL };
    case -EBADMSG:
        return (struct outcome){ FAULT_BAD_REQUEST, 0, "client sent invalid chunked body" };
    default:
        return (struct outcome){ FAULT_CLIENT_GONE, 0, NULL };
    }
}

static struct outcome
send_fault(struct gateway *g, int error)
{
    if (g->upload_client) {
        g->x->doing = "reading client request body";
        g->x->keep_alive = false;
        return client_fault(error);
    }
    g->x->doing = "sending request to upstream";
    if (error == -ETIMEDOUT)
        return (struct outcome){ FAULT_UPSTREAM_SEND_TIMEOUT, ETIMEDOUT, NULL };
    return (struct outcome){ FAULT_UPSTREAM_SEND_FAILED, -error, NULL };
}

static struct outcome
read_fault(int error, const char *why)
{
    switch (error) {
    case -ETIMEDOUT:
        return (struct outcome){ FAULT_UPSTREAM_READ_TIMEOUT, ETIMEDOUT, NULL };
    case -EPROTO:
        return (struct outcome){ FAULT_UPSTREAM_INVALID, 0, why };
    case -EMSGSIZE:
        return (struct outcome){ FAULT_UPSTREAM_HEADER_TOO_LARGE, 0, NULL };
    case -EPIPE:
        return (struct outcome){ FAULT_UPSTREAM_CLOSED, 0, why };
    default:
        return (struct outcome){ FAULT_UPSTREAM_RESET, why ? 0 : -error, why };
    }
}

/* More than any backend has reason to send before its answer. */
enum { INTERIM_MOST = 16 };

static bool
is_interim(unsigned status)
{
    return status >= 100 && status < 200 && status != 101;
}

/* early_hints */
static bool
wants_hints(struct exchange *x)
{
    for (const struct template **t = x->location->core->early_hints; t && *t; t++)
        if (template_true(*t, x))
            return true;
    return false;
}

/* On to the client, a 103 alone and where that is asked for; the backend's 100 has no reader, for
 * usher has answered Expect itself. */
static void
relay_interim(struct gateway *g)
{
    const struct fields *from = &g->head.fields;
    const struct hop_names names = hop_names_of(from);
    struct fields to;
    if (g->head.status != 103 || !wants_hints(g->x))
        return;
    fields_init(&to, &g->x->arena);
    for (unsigned i = 0; i < from->n; i++) {
        const struct field *f = &from->v[i];
        if (!hop_is_bound(f->id) && !hop_names_has(&names, f) && f->id != HEADER_CONTENT_LENGTH)
            fields_push(&to, f->name, f->value, f->id);
    }
    if (g->x->codec->write_interim(g->x, g->head.status, &to) < 0)
        g->x->aborted = true;
}

/* Reads heads until the final one. */
static int
read_final_head(struct gateway *g, const char **why)
{
    int r;
    for (unsigned n = 0; (r = g->codec->read_head(g, why)) == 0; n++) {
        if (!is_interim(g->head.status))
            break;
        *why = "upstream sent too many interim responses";
        if (n == INTERIM_MOST)
            return -EPROTO;
        *why = NULL;
        relay_interim(g);
    }
    *why = r == 0 ? "upstream switches protocols and was not asked to" : *why;
    return r == 0 && g->head.status == 101 && !g->x->request.upgrade ? -EPROTO : r;
}

static struct outcome
ask(struct gateway *g)
{
    const char *why = NULL;
    g->request_sent = g->unprocessed = g->upload_client = false;
    g->upload_error = 0;
    g->x->doing = "sending request to upstream";
    int failed_send = g->codec->send_request(g);
    if (failed_send == -ETIMEDOUT || failed_send == -ECANCELED)
        return send_fault(g, failed_send);
    /* A backend that refuses early may have answered already: look, even after a failed send. */
    if (failed_send == 0)
        gateway_send_body(g);
    g->x->doing = "reading response header from upstream";
    int r = read_final_head(g, &why);
    if (r < 0 && g->upload_error < 0)
        return send_fault(g, g->upload_error);
    if (r < 0)
        return failed_send < 0 && r != -EPROTO ? send_fault(g, failed_send) : read_fault(r, why);
    g->step->header_us = (int64_t)(clock_us() - g->step->began_us);
    g->step->status = g->head.status;
    return fine;
}

/* What was read of a try that is over is no longer of use. */
void
gateway_drop_input(struct gateway *g)
{
    buffer_put(g->in);
    g->in = NULL;
    g->start = g->end = 0;
}

void
gateway_release(struct gateway *g, bool keep)
{
    if (g->codec->end_try && g->attempt.conn)
        g->codec->end_try(g);
    attempt_release(&g->attempt, keep);
}

static void
end_try(struct gateway *g, enum attempt_result result)
{
    gateway_end_upload(g);
    gateway_drop_input(g);
    g->step->response_us = (int64_t)(clock_us() - g->step->began_us);
    if (attempt_report(&g->attempt, result))
        exchange_log(g->x, LEVEL_WARN, 0, "upstream server temporarily disabled");
    gateway_release(g, false);
}

/* What of the client's body has been sent is not at hand any more. */
static bool
is_spent(const struct gateway *g)
{
    return g->codec->shares ? g->body_lost : g->body_begun;
}

/* A pooled connection may have been closed by the backend at the moment it was taken. That is not
 * the peer's fault, and it is safe to repeat what may be repeated, what never left, and what the
 * backend's kernel never took: a socket that was closed answers with a reset and acknowledges
 * nothing, so that a POST is not acted on twice and yet does not fail. */
static bool
died_of_age(const struct gateway *g, struct outcome o)
{
    if (g->unprocessed && g->attempt.conn)
        return !is_spent(g);
    bool silent = o.fault == FAULT_UPSTREAM_CLOSED || o.fault == FAULT_UPSTREAM_RESET ||
                  o.fault == FAULT_UPSTREAM_SEND_FAILED;
    const struct upstream_conn *c = g->attempt.conn;
    if (!silent || c == NULL || !c->reused || is_spent(g))
        return false;
    if (c->h2 && h2_link_error(c->h2, NULL) == 0)
        return false; /* it lives, and its stream alone does not */
    return method_is_idempotent(g->x->request.method) || !g->request_sent ||
           !conn_was_heard(&c->conn, g->sent_before);
}

static struct outcome
try_peer(struct gateway *g)
{
    for (bool fresh = false;; fresh = true) {
        begin_step(g, peer_name(g->attempt.peer));
        g->x->trail->last_server = peer_host(g->attempt.peer);
        struct outcome o = gateway_connect(g, fresh);
        if (o.fault == FAULT_NONE)
            o = ask(g);
        if (fresh || !died_of_age(g, o))
            return o;
        gateway_end_upload(g);
        gateway_drop_input(g);
        gateway_release(g, false);
    }
}

static unsigned
status_condition(unsigned status)
{
    static const struct {
        unsigned status, condition;
    } table[] = { { 500, NEXT_HTTP_500 }, { 502, NEXT_HTTP_502 }, { 503, NEXT_HTTP_503 },
                  { 504, NEXT_HTTP_504 }, { 403, NEXT_HTTP_403 }, { 404, NEXT_HTTP_404 },
                  { 429, NEXT_HTTP_429 } };
    if (status < 400)
        return NEXT_NEVER;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].condition;
    return NEXT_NEVER;
}

static bool
has_time(const struct gateway *g)
{
    uint64_t most = g->my->next_upstream_timeout.ms;
    return most == 0 || (clock_us() - g->x->trail->first->began_us) / 1000 < most;
}

/* May another server be asked, given what this try came to? */
static bool
may_go_on(const struct gateway *g, unsigned condition)
{
    unsigned tries = g->my->next_upstream_tries,
             peers = (unsigned)upstream_peer_count(g->target.upstream);
    if (tries == 0 || tries > peers)
        tries = peers;
    if (!(g->my->next_upstream & condition) || g->attempt.picks >= tries || !has_time(g))
        return false;
    if (g->request_sent && !g->unprocessed && !method_is_idempotent(g->x->request.method) &&
        !(g->my->next_upstream & NEXT_NON_IDEMPOTENT))
        return false;
    return (g->unprocessed ? !is_spent(g) : !g->body_begun) && !fiber_cancelled();
}

static enum verdict
say(struct gateway *g, struct outcome o)
{
    bool gone = fiber_cancelled() && !g->upload_client;
    if (gone || g->x->client_gone || o.fault == FAULT_CLIENT_GONE)
        return fail(g->x, FAULT_CLIENT_GONE,
                    "client prematurely closed connection, so upstream connection is closed too");
    if (o.fault == FAULT_CLIENT_TIMEOUT)
        g->x->timed_out = true;
    return fail_errno(g->x, o.fault, o.error, "%s", o.why ? o.why : "");
}

/* Logs a try that failed but is not the end of it. */
static void
note(struct gateway *g, struct outcome o)
{
    note_fault(g->x, o.fault, o.error, "%s", o.why ? o.why : "");
}

static enum verdict
pick_failed(struct gateway *g, int error, struct outcome last)
{
    g->x->doing = "connecting to upstream";
    if (fiber_cancelled())
        return say(g, last);
    begin_step(g, upstream_name(g->target.upstream));
    g->step->status = 502;
    if (error == -ENOENT)
        return fail(g->x, FAULT_UPSTREAM_UNRESOLVED, "\"" STR_FMT "\"", STR_ARG(g->target.host));
    return fail(g->x, FAULT_NO_LIVE_UPSTREAM, "%s", "");
}

/* Tries until a head is there: PASS. */
static enum verdict
find_answer(struct gateway *g)
{
    struct outcome last = fine;
    for (;;) {
        int r = attempt_pick(&g->attempt, clock_in(g->my->connect_timeout.ms));
        if (r < 0)
            return pick_failed(g, r, last);
        struct outcome o = try_peer(g);
        const struct fault_row *row = fault_row(o.fault);
        unsigned condition = o.fault == FAULT_NONE ? status_condition(g->head.status) : row->retry;
        bool wanted = o.fault == FAULT_NONE && (g->my->next_upstream & condition);
        if (o.fault == FAULT_NONE && !(wanted && may_go_on(g, condition)))
            return PASS;
        bool backends = (row->whose == BACKEND && o.fault != FAULT_NONE) ||
                        (wanted && !(condition & (NEXT_HTTP_403 | NEXT_HTTP_404)));
        bool again = may_go_on(g, condition);
        if (o.fault != FAULT_NONE && g->step->status == 0)
            g->step->status = row->status;
        if (!again) {
            enum verdict v = say(g, o);
            end_try(g, backends && !fiber_cancelled() ? ATTEMPT_FAILED : ATTEMPT_NEUTRAL);
            return v;
        }
        if (o.fault != FAULT_NONE)
            note(g, o);
        end_try(g, backends ? ATTEMPT_FAILED : ATTEMPT_NEUTRAL);
        last = o;
    }
}

enum verdict
gateway_run(struct exchange *x, const struct gateway_settings *my, const struct client_codec *codec,
            const struct gateway_target *target, unsigned http_version)
{
    struct gateway *g = arena_raw(&x->arena, sizeof *g);
    *g = (struct gateway){ .x = x,
                           .my = my,
                           .codec = codec,
                           .target = *target,
                           .http_version = http_version,
                           .body_file = -1,
                           .fiber = fiber_self() };
    if (x->trace)
        return gateway_explain(g);
    trail_of(g);
    attempt_init(&g->attempt, target->upstream, &x->arena);
    if (target->tls)
        gateway_tls_aim(g);
    else if (codec->shares)
        g->identity = STR("h2c");
    enum verdict v = gateway_take_body(g);
    if (v != PASS)
        return v;
    v = codec->write_request(g);
    if (v != PASS)
        return v;
    if (x->client_gone && !my->ignore_client_abort)
        return say(g, (struct outcome){ FAULT_CLIENT_GONE, 0, NULL });
    x->cancel_on_gone = my->ignore_client_abort ? NULL : fiber_self();
    v = find_answer(g);
    if (v == PASS)
        v = gateway_take_response(g);
    x->doing = v == DONE ? "reading upstream" : NULL;
    return v;
}
