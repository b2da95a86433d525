/* Choosing the features at work in a block. */
#include "exchange/hosts/handlers.h"

#include "base/must.h"
#include "exchange/rewrite/program.h"

enum { CALLS_MAX = 128 };

/* A list while it is gathered. */
struct gathering {
    struct call v[CALLS_MAX];
    unsigned n;
};

static void
append(struct gathering *g, const struct feature *f, const void *settings)
{
    must(g->n < CALLS_MAX);
    g->v[g->n++] = (struct call){ f, settings };
}

/* The list as it stays. One that is the outer block's to the letter is shared with it: thousands of
 * locations that differ in little use little memory, and few cache lines. */
static struct calls
keep(const struct gathering *g, const struct calls *outer, struct arena *a)
{
    size_t size = g->n * sizeof g->v[0];
    if (g->n == 0)
        return (struct calls){ 0 };
    if (outer && outer->n == g->n && memcmp(outer->v, g->v, size) == 0)
        return *outer;
    struct calls calls = { arena_array(a, struct call, g->n), g->n };
    memcpy(calls.v, g->v, size);
    return calls;
}

/* Does the feature work in this block? own: the block itself (not an outer one) set something of
 * it. */
static const void *
at_work(const struct scope *s, const struct feature *f)
{
    const struct directive_set *set = feature_set(f);
    const void *settings = scope_settings(s, set);
    bool own = s->parent == NULL || settings != scope_settings(s->parent, set);
    if (f->own_only && !own)
        return NULL;
    if (f->used && !f->used(settings))
        return NULL;
    return settings ? settings : "";
}

static void
add_phase(struct gathering *g, struct scope *s, enum phase phase)
{
    for (unsigned i = 0; features[i]; i++) {
        const struct feature *f = features[i];
        const void *settings =
            f->on_request && f->phase == phase && !f->content_only ? at_work(s, f) : NULL;
        if (settings)
            append(g, f, settings);
    }
}

/* The access phases: with satisfy any they are one call. */
static void
add_access(struct gathering *g, struct scope *s)
{
    const struct access_settings *access = scope_settings(s, &access_directives);
    struct gathering of_any = { .n = 0 }, *to = access->satisfy == SATISFY_ANY ? &of_any : g;
    add_phase(to, s, PHASE_ACCESS);
    add_phase(to, s, PHASE_AUTH);
    if (of_any.n == 0)
        return;
    struct calls *calls = arena_new(s->compile->arena, struct calls);
    *calls = keep(&of_any, NULL, s->compile->arena);
    append(g, &satisfy_any, calls);
}

void
calls_of_location(struct scope *s, struct location *l)
{
    struct gathering found = { .n = 0 }, request = found, response = found, log = found;
    const struct location *outer = l->parent;
    struct arena *a = s->compile->arena;
    add_phase(&found, s, PHASE_FOUND);
    for (enum phase phase = PHASE_INPUT; phase < PHASE_ACCESS; phase++)
        add_phase(&request, s, phase);
    add_access(&request, s);
    add_phase(&request, s, PHASE_PRECONTENT);
    if (l->content.feature)
        append(&request, l->content.feature, l->content.settings);
    else
        add_phase(&request, s, PHASE_CONTENT);
    for (unsigned i = 0; features[i]; i++) {
        const struct feature *f = features[i];
        const void *settings = f->on_response || f->on_log ? at_work(s, f) : NULL;
        if (settings && f->on_response)
            append(&response, f, settings);
        if (settings && f->on_log)
            append(&log, f, settings);
    }
    l->on_found = keep(&found, outer ? &outer->on_found : NULL, a);
    l->on_request = keep(&request, outer ? &outer->on_request : NULL, a);
    l->on_response = keep(&response, outer ? &outer->on_response : NULL, a);
    l->on_log = keep(&log, outer ? &outer->on_log : NULL, a);
}

void
calls_of_server(struct scope *s, struct virtual_server *server)
{
    struct gathering request = { .n = 0 };
    add_phase(&request, s, PHASE_REAL_IP);
    server->program = program_of(s);
    server->on_request = keep(&request, NULL, s->compile->arena);
}
