/* The steps of an exchange as usher explain sees them: each is done, and what came of it told. */
#include "exchange/trace.h"

#include "exchange/hosts/location_set.h"
#include "exchange/snapshot.h"

static struct str
outcome(struct exchange *x, enum verdict v)
{
    struct arena *a = &x->arena;
    struct str to = fields_value(&x->response.fields, HEADER_LOCATION);
    if (v == RESTART)
        return arena_printf(a, ": go on as " STR_FMT, STR_ARG(x->uri));
    if (v == DONE || v == FAILED)
        return arena_printf(a, ": %u%s" STR_FMT, x->response.status, to.p ? " to " : "",
                            STR_ARG(to));
    return STR("");
}

static struct str
value_of(struct exchange *x, struct str name)
{
    struct str value = STR("");
    const struct variable_ref *ref = map_try(&x->snapshot->variables.used, name);
    if (ref && ref->variable)
        variable_get(x, ref, &value);
    return value;
}

/* What a rewrite directive has done, as far as it shows. */
static struct str
effect(struct exchange *x, const struct op *op, struct str uri, enum verdict v)
{
    struct arena *a = &x->arena;
    struct str name = op->node->words[0].text;
    if (v != PASS)
        return outcome(x, v);
    if (str_eq(name, STR("set")))
        return arena_printf(a, ": \"" STR_FMT "\"",
                            STR_ARG(value_of(x, str_skip(op->node->words[1].text, 1))));
    if (!str_eq(name, STR("rewrite")))
        return STR("");
    if (uri.p == x->uri.p)
        return STR(": does not match");
    return arena_printf(a, ": " STR_FMT " becomes " STR_FMT "%s" STR_FMT, STR_ARG(uri),
                        STR_ARG(x->uri), x->args.n ? "?" : "", STR_ARG(x->args));
}

/* An if is told before what it holds, and whether it holds is known after. */
static enum verdict
trace_if(struct exchange *x, const struct op *op)
{
    struct buf *b = x->trace->b;
    const struct location *before = x->location;
    size_t start = b->n;
    x->trace->depth++;
    enum verdict v = op->run(x, op);
    x->trace->depth--;
    bool holds = b->n > start || x->location != before || v != PASS;
    struct str inner = arena_dup(&x->arena, str_skip(buf_str(b), start));
    b->n = start;
    trace_say_node(x, "rewrite", op->node, holds ? STR(": holds") : STR(": does not hold"));
    buf_put(b, inner);
    return v;
}

enum verdict
trace_op(struct exchange *x, const struct op *op)
{
    struct str uri = x->uri =
        arena_dup(&x->arena, x->uri); /* another, if it is replaced by the same */
    if (str_eq(op->node->words[0].text, STR("if")))
        return trace_if(x, op);
    enum verdict v = op->run(x, op);
    trace_say_node(x, "rewrite", op->node, effect(x, op, uri, v));
    return v;
}

static const char *
label_of(enum phase phase)
{
    static const char *const names[] = { "",       "limit", "input",      "real ip", "limit",
                                         "access", "auth",  "precontent", "content" };
    return phase < sizeof names / sizeof names[0] ? names[phase] : "";
}

/* Without an explain of its own, what a feature would say is not known: it is taken to pass, and an
 * answer to be a good one. */
static enum verdict
presume(struct exchange *x, const struct feature *f)
{
    if (f->phase != PHASE_CONTENT || !f->content_only)
        return PASS;
    response_init(x, 200);
    return DONE;
}

enum verdict
trace_call(struct exchange *x, const struct call *call)
{
    const struct feature *f = call->feature;
    const char *label = label_of(f->phase);
    struct buf *b = x->trace->b;
    size_t start = b->n;
    enum verdict v = PASS;
    if (f->phase == PHASE_REAL_IP && x->location) /* the server's has told */
        return f->explain(x, call->settings);
    unsigned n = trace_directives(x, label, f, f->explain ? "" : ": applies");
    size_t end = b->n;
    v = f->explain ? f->explain(x, call->settings) : presume(x, f);
    bool quiet = v == PASS && f->phase == PHASE_CONTENT && b->n == end;
    if (quiet)
        b->n = start; /* not this one's to answer */
    else if (v != PASS && n == 0 && f->phase == PHASE_CONTENT)
        (void)trace_in_force(x, "", "alias root");
    if (v == PASS && x->let_in && (f->phase == PHASE_ACCESS || f->phase == PHASE_AUTH))
        trace_say(x, label, NULL, "%s: lets the request in", f->name);
    if (v != PASS && !x->response.relayed)
        trace_say(x, label, NULL, "%s" STR_FMT, f->name, STR_ARG(outcome(x, v)));
    return v;
}

/* --- locations --- */

static const char *
mark_of(const struct location *l)
{
    if (l->kind == LOCATION_EXACT)
        return "= ";
    if (l->kind == LOCATION_PREFIX_FINAL)
        return "^~ ";
    return l->kind == LOCATION_REGEX ? "~ " : "";
}

static void
pass_over(struct exchange *x, const struct location *l, const char *why)
{
    trace_say(x, "", &l->span, "not %s" STR_FMT ": %s", mark_of(l), STR_ARG(l->name), why);
}

static void
pass_over_regexes(struct exchange *x, const struct location_set *set, const struct location *chosen)
{
    bool final =
        chosen && (chosen->kind == LOCATION_EXACT || chosen->kind == LOCATION_PREFIX_FINAL);
    bool later = false;
    for (unsigned i = 0; i < set->n_regexes; i++) {
        const struct location *l = set->regexes[i];
        bool matches = l != chosen && regex_match(l->regex, x->uri, NULL);
        if (l == chosen)
            later = true;
        else if (!matches)
            pass_over(x, l, "does not match");
        else if (final || later)
            pass_over(x, l, final ? "regular expressions are not asked" : "comes later");
        else
            pass_over(x, l, "the location before it stands deeper");
    }
}

static void
pass_over_prefixes(struct exchange *x, const struct location_set *set,
                   const struct location *chosen)
{
    const char *why = chosen == NULL                   ? ""
                      : chosen->kind == LOCATION_EXACT ? "an exact one goes before"
                      : chosen->kind == LOCATION_REGEX ? "a regular expression goes before"
                                                       : "shorter";
    for (unsigned i = 0; i < set->n_prefixes; i++) {
        const struct location *l = set->prefixes[i].location;
        if (l != chosen && str_starts(x->uri, l->name))
            pass_over(x, l, why);
    }
}

/* Of the level that `set` is, the one that was chosen or holds it. */
static const struct location *
chosen_in(const struct location_set *set, const struct location *l)
{
    for (; l; l = l->parent)
        if ((l->parent ? l->parent->inner : NULL) == set)
            return l;
    return NULL;
}

static const char *
why_chosen(const struct location *l)
{
    switch (l->kind) {
    case LOCATION_EXACT:
        return "exactly this path";
    case LOCATION_PREFIX:
        return "the longest prefix, and no regular expression matches";
    case LOCATION_PREFIX_FINAL:
        return "the longest prefix";
    case LOCATION_REGEX:
        return "the first regular expression that matches";
    default:
        return "by its name";
    }
}

/* Why a location that was found is not entered, or is another one. */
static void
tell_turn(struct exchange *x, enum verdict v)
{
    if (x->location && x->location->kind == LOCATION_EXCEPT)
        trace_say(x, "", &x->location->span, "limit_except: the method is none of these");
    if (v != PASS && x->response.status == 404)
        trace_say(x, "", NULL, "internal: 404 for clients");
    else if (v != PASS)
        trace_say(x, "", NULL, "but for its slash" STR_FMT, STR_ARG(outcome(x, v)));
}

void
trace_location(struct exchange *x, enum verdict v)
{
    const struct location *l = x->location;
    while (l && (l->kind == LOCATION_IF || l->kind == LOCATION_EXCEPT))
        l = l->parent;
    if (l == NULL || l->kind == LOCATION_ROOT)
        trace_say(x, "location", &x->server->span, "none: the server's own settings");
    else
        trace_say(x, "location", &l->span, "%s" STR_FMT ", %s", mark_of(l), STR_ARG(l->name),
                  why_chosen(l));
    tell_turn(x, v);
    if (l && l->kind == LOCATION_NAMED)
        return;
    const struct location_set *set = x->server->locations;
    while (set) {
        const struct location *chosen = chosen_in(set, l);
        pass_over_prefixes(x, set, chosen);
        pass_over_regexes(x, set, chosen);
        set = chosen ? chosen->inner : NULL;
    }
}

/* --- the response --- */

void
trace_error(struct exchange *x, unsigned status, enum verdict v)
{
    if (v == RESTART)
        trace_say(x, "error", NULL, "error_page of %u%s" STR_FMT, status,
                  x->at_named ? "" : ": go on as ", STR_ARG(x->at_named ? STR("") : x->uri));
}

static void
tell_field(struct exchange *x, const char *name, struct str value)
{
    if (value.n)
        trace_say(x, "", NULL, "%s: " STR_FMT, name, STR_ARG(value));
}

void
trace_answer(struct exchange *x)
{
    const struct location *l = x->location ? x->location : x->server->root;
    const struct response *r = &x->response;
    for (unsigned i = 0; i < l->on_response.n; i++)
        trace_directives(x, "response", l->on_response.v[i].feature, "");
    if (r->relayed)
        trace_say(x, "answer", NULL, "the backend's%s%s",
                  x->error_keeps_status ? arena_printf(&x->arena, ", as %u", r->status).p : "",
                  r->fields.n ? ", and these fields:" : "");
    else
        trace_say(x, "answer", NULL, "%u", r->status);
    tell_field(x, "Content-Type", r->content_type);
    tell_field(x, "ETag", r->etag);
    for (unsigned i = 0; i < r->fields.n; i++)
        trace_say(x, "", NULL, STR_FMT ": " STR_FMT, STR_ARG(r->fields.v[i].name),
                  STR_ARG(r->fields.v[i].value));
    for (unsigned i = 0; i < l->on_log.n; i++)
        trace_directives(x, "log", l->on_log.v[i].feature, "");
}
