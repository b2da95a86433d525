/* From tree to settings: the main scope, every row's default, the directives, what was deferred. */
#include "config/compile.h"

#include "config/fragment.h"
#include "config/scope.h"

struct deferred {
    struct deferred *next;
    void (*fn)(struct compile *c, void *arg);
    void *arg;
};

static _Atomic uint64_t last_id;

void
compile_init(struct compile *c, struct arena *a, struct sources *s, struct diags *d,
             const struct directive_set *const *sets)
{
    *c = (struct compile){ .arena = a, .sources = s, .diags = d, .id = ++last_id, .sets = sets };
    while (sets[c->n_sets])
        c->n_sets++;
    c->deferred_end = &c->deferred;
    rows_build(c);
}

void
compile_defer(struct compile *c, void (*fn)(struct compile *c, void *arg), void *arg)
{
    struct deferred *d = arena_new(c->arena, struct deferred);
    d->fn = fn;
    d->arg = arg;
    *c->deferred_end = d;
    c->deferred_end = &d->next;
}

void
compile_finally(struct compile *c, void (*fn)(struct compile *c, void *arg), void *arg)
{
    struct deferred *d = arena_new(c->arena, struct deferred);
    *d = (struct deferred){ c->finals, fn, arg };
    c->finals = d;
}

void
compile_fini(struct compile *c)
{
    for (struct deferred *d = c->finals; d; d = d->next)
        d->fn(c, d->arg);
    c->finals = NULL;
}

/* A row's default as if it stood in a file of its own. */
static struct node *
default_node(struct compile *c, const struct directive *directive)
{
    struct source *text = arena_new(c->arena, struct source);
    text->path = arena_printf(c->arena, "the default of %s", directive->name);
    text->text = arena_printf(c->arena, "%s %s;", directive->name, directive->initial);
    return config_parse_text(c->sources, text, c->diags, c->arena)->children;
}

static void
apply_defaults(struct scope *root)
{
    struct compile *c = root->compile;
    for (unsigned i = 0; i < c->n_sets; i++) {
        const struct set_rows *rows = rows_of_set(c, c->sets[i]);
        for (unsigned k = 0; k < rows->n; k++) {
            const struct directive *directive = rows->rows[k].directive;
            if (directive->initial && directive->field.size)
                scope_apply(root, default_node(c, directive), &rows->rows[k]);
        }
    }
}

static struct scope *
open_root(struct compile *c, const struct node *node)
{
    struct scope *root = arena_new(c->arena, struct scope);
    root->compile = c;
    root->node = node;
    root->context = IN_MAIN;
    root->object = c->snapshot;
    root->serial = ++c->serial;
    root->settings = arena_array(c->arena, void *, c->n_sets + 1);
    for (unsigned i = 0; i < c->n_sets; i++)
        root->settings[i] = arena_get(c->arena, c->sets[i]->settings_size + 1);
    apply_defaults(root);
    root->serial = ++c->serial; /* what defaults put in is emptied as a parent's would be */
    return root;
}

bool
compile_run(struct compile *c, const struct node *root)
{
    unsigned before = c->diags->errors;
    scope_run(open_root(c, fragment_wrap(c, root)));
    for (struct deferred *d = c->deferred; d; d = d->next)
        d->fn(c, d->arg);
    diags_sort(c->diags);
    return c->diags->errors == before;
}

static const struct directive own_directives[] = {
    { "include", NO_FIELD,
      IN_MAIN | IN_EVENTS | IN_HTTP | IN_SERVER | IN_LOCATION | IN_UPSTREAM | IN_SERVER_IF |
          IN_LOCATION_IF | IN_LIMIT_EXCEPT | IN_TYPES | IN_ANY_BLOCK | IN_STREAM |
          IN_STREAM_SERVER | IN_STREAM_UPSTREAM,
      .help = "Reads another file, or all files that match a mask, in its place. Relative paths "
              "start at the directory of the configuration file.",
      .syntax = "file | mask", .example = "include sites/*.conf;", .flags = REPEATABLE },
    { 0 },
};

const struct directive_set config_directives = { .name = "configuration",
                                                 .directives = own_directives };
