/* Gathering and running the ops of a block. */
#include "exchange/rewrite/program.h"

#include "exchange/trace.h"
#include "exchange/values/template.h"

struct settings {
    uint64_t scope; /* serial of the one whose program this is */
    struct program *program;
};

const struct directive_set program_set = {
    .name = "rewrite",
    .settings_size = sizeof(struct settings),
    .directives = (const struct directive[]){ { 0 } },
};

void
program_append(struct setting *s, struct op *op)
{
    struct settings *my = scope_settings_own(s->scope, &program_set);
    if (my->scope != s->scope->serial) {
        my->scope = s->scope->serial;
        my->program = arena_new(s->compile->arena, struct program);
        my->program->end = &my->program->first;
    }
    op->node = s->node;
    *my->program->end = op;
    my->program->end = &op->next;
}

const struct program *
program_of(const struct scope *s)
{
    const struct settings *my = scope_settings(s, &program_set);
    return my->scope == s->serial ? my->program : NULL;
}

void
program_stop(struct exchange *x, bool search)
{
    x->rewrite_stopped = true;
    x->uri_rewritten |= x->uri_changed && !search;
    x->uri_changed = search;
}

enum verdict
program_run_inner(struct exchange *x, const struct program *p)
{
    enum verdict v = PASS;
    for (const struct op *op = p ? p->first : NULL; op && v == PASS && !x->rewrite_stopped;
         op = op->next)
        v = x->trace ? trace_op(x, op) : op->run(x, op);
    return v;
}

enum verdict
program_run(struct exchange *x, const struct program *p)
{
    if (p == NULL)
        return PASS;
    x->rewrite_stopped = x->uri_changed = false;
    enum verdict v = program_run_inner(x, p);
    if (v != PASS || !x->uri_changed)
        return v;
    if (++x->redirects > 10)
        return fail(x, FAULT_REDIRECT_CYCLE, "while processing \"" STR_FMT "\"", STR_ARG(x->uri));
    return RESTART;
}

struct str
program_text(const struct template *t, struct exchange *x)
{
    return program_escapes_captures(x) ? template_eval_captures(t, x, ESCAPE_ARGS)
                                       : template_eval(t, x);
}

bool
program_escapes_captures(const struct exchange *x)
{
    return str_find(x->request.path, '%') >= 0 || str_find(x->request.path, '+') >= 0;
}
