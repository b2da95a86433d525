/* exchange/values/template.c, variable.c: any text as a template, evaluated and escaped for a log.
 * The first line is the request target, the rest is the template. */
#include "exchange/snapshot.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct directive_set *const no_sets[] = { NULL };

static void
open_snapshot(struct snapshot *snap, struct diags *diags)
{
    arena_init(&snap->arena, 0);
    sources_init(&snap->sources, &snap->arena);
    diags_init(diags, &snap->arena);
    compile_init(&snap->compile, &snap->arena, &snap->sources, diags, no_sets);
    snap->compile.snapshot = snap;
    variable_table_init(&snap->variables, &snap->arena);
    variable_table_add_core(&snap->variables);
}

static void
open_exchange(struct exchange *x, struct snapshot *snap, struct client *client, struct str target)
{
    *x = (struct exchange){ .snapshot = snap, .client = client };
    arena_init(&x->arena, 0);
    fields_init(&x->request.fields, &x->arena);
    fields_init(&x->response.fields, &x->arena);
    fields_init(&x->response.trailers, &x->arena);
    fields_add(&x->request.fields, STR("Host"), target);
    fields_add(&x->request.fields, STR("Cookie"), target);
    fields_add(&x->request.fields, STR("Authorization"), target);
    x->request.line = x->request.target = x->request.path = x->uri = target;
    x->request.args = x->args = target;
    x->request.version = VERSION_11;
}

static void
put_value(struct buf *b, struct str value, bool present)
{
    buf_put(b, present ? value : STR("-"));
}

static void
evaluate(const struct template *t, struct snapshot *snap, struct str target)
{
    struct client client = { .peer_text = STR("127.0.0.1"), .fd = -1 };
    struct exchange x;
    struct buf line;
    open_exchange(&x, snap, &client, target);
    template_eval(t, &x);
    buf_init(&line, &x.arena, 64, TEMPLATE_MAX);
    template_write(t, &x, &line, put_value);
    arena_fini(&x.arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct error_log silent = { 0 };
    struct snapshot *snap = calloc(1, sizeof *snap);
    struct diags diags;
    struct str rest = { (const char *)data, size };
    error_log_set_global(&silent);
    open_snapshot(snap, &diags);
    struct str target = arena_dup(&snap->arena, str_cut(&rest, '\n'));
    struct word words[] = { { .text = STR("text") },
                            { .text = rest.p ? arena_dup(&snap->arena, rest) : STR("") } };
    struct node node = { .words = words, .n = 2 };
    struct setting s = { .compile = &snap->compile, .node = &node };
    const struct template *t = template_compile(&s, 1, words[1].text);
    if (compile_run(&snap->compile, &(struct node){ 0 }) && t)
        evaluate(t, snap, target);
    arena_fini(&snap->arena);
    free(snap);
    return 0;
}
