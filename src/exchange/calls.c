/* Choosing the features at work in a block. */
#include "exchange/calls.h"

static unsigned
feature_count(void)
{
    unsigned n = 0;
    while (features[n])
        n++;
    return n;
}

static void
append(struct calls *calls, struct arena *a, const struct feature *f, const void *settings)
{
    if (calls->v == NULL)
        calls->v = arena_array(a, struct call, feature_count() + 1);
    calls->v[calls->n++] = (struct call){ f, settings };
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
add_phase(struct calls *calls, struct scope *s, enum phase phase)
{
    for (unsigned i = 0; features[i]; i++) {
        const struct feature *f = features[i];
        const void *settings =
            f->on_request && f->phase == phase && !f->content_only ? at_work(s, f) : NULL;
        if (settings)
            append(calls, s->compile->arena, f, settings);
    }
}

void
calls_of_location(struct scope *s, struct location *l)
{
    struct arena *a = s->compile->arena;
    for (enum phase phase = PHASE_REWRITE; phase < PHASE_CONTENT; phase++)
        if (l->kind != LOCATION_ROOT || phase != PHASE_REWRITE)
            add_phase(&l->on_request, s, phase);
    if (l->content.feature)
        append(&l->on_request, a, l->content.feature, l->content.settings);
    else
        add_phase(&l->on_request, s, PHASE_CONTENT);
    for (unsigned i = 0; features[i]; i++) {
        const struct feature *f = features[i];
        const void *settings = f->on_response || f->on_log ? at_work(s, f) : NULL;
        if (settings && f->on_response)
            append(&l->on_response, a, f, settings);
        if (settings && f->on_log)
            append(&l->on_log, a, f, settings);
    }
}

void
calls_of_server(struct scope *s, struct virtual_server *server)
{
    add_phase(&server->on_request, s, PHASE_REAL_IP);
    add_phase(&server->on_request, s, PHASE_REWRITE);
}
