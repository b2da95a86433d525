/* exchange_run: one request through its phases, its response out, its line in the log. Reads from
 * top to bottom. */
#include "exchange/run.h"

#include "base/must.h"
#include "exchange/error_page.h"
#include "exchange/limits/challenge.h"
#include "exchange/respond.h"
#include "exchange/rewrite/program.h"
#include "exchange/snapshot.h"
#include "exchange/subrequest/copy.h"
#include "exchange/trace.h"
#include "http/uri.h"

#include <unistd.h>

/* What request heads and filters may take from an exchange's arena by a peer's choice (arena_try).
 */
enum { EXCHANGE_ARENA_LIMIT = 4 << 20 };

struct exchange *
exchange_open(struct client *client, const struct server_codec *codec, void *connection)
{
    return exchange_open_in(snapshot_current(), client, codec, connection);
}

struct exchange *
exchange_open_in(struct snapshot *snapshot, struct client *client, const struct server_codec *codec,
                 void *connection)
{
    struct arena a;
    arena_init(&a, EXCHANGE_ARENA_LIMIT);
    struct exchange *x = arena_new(&a, struct exchange);
    x->arena = a; /* from here on the arena lives inside itself */
    x->snapshot = snapshot;
    snapshot_use(x->snapshot);
    x->client = client;
    x->codec = codec;
    x->connection = connection;
    x->began_us = clock_us();
    x->began_wall_us = clock_wall_us();
    x->response.last_modified = x->response.content_length = -1;
    x->body_file = -1;
    fields_init(&x->request.fields, &x->arena);
    fields_init(&x->request_trailers, &x->arena);
    fields_init(&x->response.fields, &x->arena);
    fields_init(&x->response.trailers, &x->arena);
    return x;
}

void
exchange_at_end(struct exchange *x, struct exchange_end *e)
{
    e->next = x->ends;
    x->ends = e;
}

static void
tell_decided(struct exchange *x)
{
    for (struct exchange_end *e = x->ends; e; e = e->next)
        if (e->decided)
            e->decided(x, e);
}

static void
tell_over(struct exchange *x)
{
    for (struct exchange_end *e = x->ends; e; e = e->next)
        if (e->over)
            e->over(x, e);
}

void
exchange_close(struct exchange *x)
{
    tell_over(x);
    struct arena a = x->arena;
    struct snapshot *snapshot = x->snapshot;
    if (x->copies)
        copy_forget_parent(x);
    body_close(x->response.body);
    body_close(x->request_body);
    if (x->body_path_passes)
        unlink(x->body_path.p);
    if (x->body_file >= 0)
        close(x->body_file);
    arena_fini(&a);
    snapshot_unuse(snapshot);
}

static bool
is_access(const struct feature *f)
{
    return f->phase == PHASE_ACCESS || f->phase == PHASE_AUTH;
}

/* Who may come in was asked for the request that made a sub-request. */
static bool
is_settled(const struct exchange *x, const struct feature *f)
{
    return x->is_subrequest && is_access(f);
}

/* Runs handlers until one of them has something to say. */
static enum verdict
run_calls(struct exchange *x, const struct calls *calls)
{
    for (unsigned i = 0; i < calls->n; i++) {
        const struct call *call = &calls->v[i];
        if (is_settled(x, call->feature))
            continue;
        enum verdict v =
            x->trace ? trace_call(x, call) : call->feature->on_request(x, call->settings);
        if (v != PASS)
            return v == FAILED && is_access(call->feature) ? access_refused(x) : v;
    }
    return PASS;
}

/* One found but for its slash is found. */
static enum verdict
judge_found(struct exchange *x, enum verdict v)
{
    if (v != PASS && x->response.status != 301)
        return v;
    enum verdict judged = run_calls(x, &x->location->on_found);
    if (judged == PASS)
        return v;
    response_init(x, x->response.status); /* the redirect is off */
    return judged;
}

static enum verdict
find_location(struct exchange *x)
{
    bool named = x->at_named;
    enum verdict v = named ? PASS : location_find(x);
    x->at_named = false;
    if (x->trace)
        trace_location(x, v);
    return named ? v : judge_found(x, v);
}

/* An internal redirect begins here again, a rewritten URI does not. */
static enum verdict
run_server_program(struct exchange *x)
{
    enum verdict v = x->at_named ? PASS : program_run(x, x->server->program);
    x->at_server = false;
    return v == RESTART ? PASS : v; /* its location is found next in any case */
}

/* Where a pattern took too long, another location, or none of a program's answers, would have been
 * the request's. */
static enum verdict
judge_patterns(struct exchange *x, enum verdict v)
{
    if (!x->pattern_failed)
        return v;
    x->pattern_failed = false;
    return status_only(x, 500);
}

static enum verdict
run_location(struct exchange *x)
{
    enum verdict v = x->at_server ? run_server_program(x) : PASS;
    if (v == PASS)
        v = find_location(x);
    if (v == PASS)
        v = program_run(x, x->location->program);
    v = judge_patterns(x, v);
    if (v == PASS)
        v = run_calls(x, &x->location->on_request);
    return v == PASS ? status_only(x, 404) : v;
}

static enum verdict
answer_error(struct exchange *x, unsigned status)
{
    enum verdict v = error_page_answer(x, status);
    if (x->trace)
        trace_error(x, status, v);
    return v;
}

/* Errors become pages, pages may lead to other locations; both counts are bounded. */
static enum verdict
settle(struct exchange *x, enum verdict v)
{
    while (v == RESTART || v == FAILED)
        v = v == RESTART ? run_location(x) : answer_error(x, x->response.status);
    return v;
}

static enum verdict
run_phases(struct exchange *x)
{
    x->at_server = x->is_subrequest;
    if (x->is_subrequest)
        return settle(x, RESTART);
    enum verdict v = x->early_failure ? FAILED : run_calls(x, &x->server->on_request);
    if (v == PASS && x->snapshot->challenge)
        v = challenge_reserved(x);
    if (v == PASS)
        v = judge_patterns(x, run_server_program(x));
    if (v == PASS)
        v = RESTART;
    return settle(x, v);
}

void
exchange_report(struct exchange *x)
{
    const struct location *l = x->location ? x->location : x->server->root;
    for (unsigned i = 0; i < l->on_log.n; i++)
        l->on_log.v[i].feature->on_log(x, l->on_log.v[i].settings);
}

/* 444 by configuration, 499 when the client has gone: the connection ends without an answer. A
 * backend may say either. */
static bool
is_silent(const struct exchange *x)
{
    unsigned status = x->response.status;
    return !x->response.relayed && (status == 444 || status == 499);
}

bool
exchange_prepare(struct exchange *x)
{
    enum verdict v = run_phases(x);
    while (v == DONE && !is_silent(x) && !respond_filter(x))
        v = settle(x, FAILED);
    tell_decided(x);
    bool silent = is_silent(x);
    x->aborted |= silent;
    return v == DONE && !silent;
}

void
exchange_run(struct exchange *x)
{
    must(x->server != NULL);
    if (exchange_prepare(x))
        respond(x);
    exchange_report(x);
}

void
exchange_explain(struct exchange *x)
{
    enum verdict v = run_phases(x);
    while (v == DONE && !is_silent(x) && !respond_filter(x))
        v = settle(x, FAILED);
    trace_answer(x);
}
