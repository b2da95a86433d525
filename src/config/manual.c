/* Rows to markdown, and the check that every row has what the manual needs. */
#include "config/manual.h"

#include "config/check.h"
#include "config/foreign.h"
#include "config/suggest.h"

#include <stdlib.h>

static void
print_example(struct buf *b, const struct directive *d)
{
    if (d->example)
        buf_printf(b, "\n```nginx\n%s\n```\n", d->example);
    else if (d->initial)
        buf_printf(b, "\n```nginx\n%s %s;\n```\n", d->name, d->initial);
}

/* What has no effect has no default either. */
static void
print_default(struct buf *b, const struct directive *d)
{
    const char *value = d->initial ? d->initial : d->unset;
    const char *end = d->flags & BLOCK ? "" : ";";
    if (value)
        buf_printf(b, "- Default: `%s %s%s`\n", d->name, value, end);
    else if (!(d->flags & (BLOCK | IGNORED)))
        buf_put(b, STR("- Default: none\n"));
}

void
manual_print_directive(struct buf *b, const struct directive_set *set, const struct directive *d)
{
    buf_printf(b, "### %s\n\n- Syntax: `", d->name);
    syntax_print(d, b);
    buf_put(b, STR("`\n"));
    print_default(b, d);
    buf_put(b, STR("- Context: "));
    contexts_print(d->contexts, b);
    buf_printf(b, "\n- Feature: %s\n\n%s\n", set->name, d->help ? d->help : "");
    print_example(b, d);
}

/* A row with its set, for sorting. */
struct entry {
    const struct directive_set *set;
    const struct directive *directive;
};

static int
by_set_and_name(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int sets = strcmp(a->set->name, b->set->name);
    int names = strcmp(a->directive->name, b->directive->name);
    int rows = (a->directive > b->directive) - (a->directive < b->directive);
    return sets ? sets : names ? names : rows;
}

static int
by_name(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return strcmp(a->directive->name, b->directive->name);
}

static struct entry *
collect(struct arena *a, const struct directive_set *const *sets, unsigned *n)
{
    *n = 0;
    for (unsigned i = 0; sets[i]; i++)
        for (const struct directive *d = sets[i]->directives; d && d->name; d++)
            *n += d->name[0] != '_';
    struct entry *entries = arena_array(a, struct entry, *n + 1), *to = entries;
    for (unsigned i = 0; sets[i]; i++)
        for (const struct directive *d = sets[i]->directives; d && d->name; d++)
            if (d->name[0] != '_')
                *to++ = (struct entry){ sets[i], d };
    return entries;
}

typedef void print_name_fn(struct buf *b, const char *name);

static void
print_names(struct buf *b, const struct directive_set *const *sets, print_name_fn *print_name)
{
    unsigned n;
    struct entry *entries = collect(b->arena, sets, &n);
    qsort(entries, n, sizeof(entries[0]), by_name);
    for (unsigned i = 0; i < n; i++)
        if (i == 0 || strcmp(entries[i].directive->name, entries[i - 1].directive->name) != 0)
            print_name(b, entries[i].directive->name);
}

static void
print_link(struct buf *b, const char *name)
{
    buf_printf(b, "[%s](#%s)\n", name, name);
}

static void
print_line(struct buf *b, const char *name)
{
    buf_printf(b, "%s\n", name);
}

void
manual_print(struct buf *b, const struct directive_set *const *sets)
{
    unsigned n;
    struct entry *entries = collect(b->arena, sets, &n);
    qsort(entries, n, sizeof(entries[0]), by_set_and_name);
    buf_printf(b, "# Directives\n\nPrinted by `usher help --manual`: change the rows in the "
                  "source, not this file. `usher help DIRECTIVE` prints one of them.\n");
    buf_byte(b, '\n');
    print_names(b, sets, print_link);
    for (unsigned i = 0; i < n; i++) {
        if (i == 0 || strcmp(entries[i].set->name, entries[i - 1].set->name) != 0)
            buf_printf(b, "\n## Feature: %s\n", entries[i].set->name);
        buf_byte(b, '\n');
        manual_print_directive(b, entries[i].set, entries[i].directive);
    }
}

bool
manual_print_name(struct buf *b, const struct directive_set *const *sets, struct str name)
{
    bool found = false;
    for (unsigned i = 0; sets[i]; i++) {
        for (const struct directive *d = sets[i]->directives; d && d->name; d++) {
            if (!str_eq(str_of(d->name), name))
                continue;
            buf_put(b, str_of(found ? "\n" : ""));
            manual_print_directive(b, sets[i], d);
            found = true;
        }
    }
    return found;
}

void
manual_print_hint(struct buf *b, const struct directive_set *const *sets, struct str name)
{
    const char *module = foreign_module(name);
    struct str near = module ? STR_NONE : suggest_directive(sets, name, ~0u);
    if (module)
        foreign_print(name, module, b);
    else if (near.n)
        buf_printf(b, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
}

void
manual_print_names(struct buf *b, const struct directive_set *const *sets)
{
    print_names(b, sets, print_line);
}

/* The only directive of a text, or NULL. */
static const struct node *
parse_one(struct arena *a, struct sources *s, struct str text)
{
    struct diags d;
    diags_init(&d, a);
    struct source *source = sources_add_text(s, STR("the manual"), text);
    const struct node *first = config_parse_text(s, source, &d, a)->children;
    return d.errors == 0 && first && first->next == NULL ? first : NULL;
}

/* Whether a line of the manual is this directive as its row wants it. */
static bool
is_shaped(const struct directive *d, const struct node *node)
{
    bool include = str_eq(str_of(d->name), STR("include")); /* the parser takes it away */
    if (node == NULL)
        return include;
    return str_eq(node->words[0].text, str_of(d->name)) && takes_arguments(d, node->n - 1) &&
           node->block == !!(d->flags & BLOCK);
}

static void
check_text(const struct directive *d, struct str text, const char *what, struct buf *flaws)
{
    struct arena a;
    struct sources s;
    arena_init(&a, 0);
    sources_init(&s, &a);
    s.sealed = true;
    if (!is_shaped(d, parse_one(&a, &s, text)))
        buf_printf(flaws, "%s: its %s is not such a directive: " STR_FMT "\n", d->name, what,
                   STR_ARG(text));
    arena_fini(&a);
}

static void
check_row(const struct directive *d, struct buf *flaws)
{
    if (d->help == NULL || d->help[0] == '\0')
        buf_printf(flaws, "%s: no help\n", d->name);
    if (d->contexts == 0)
        buf_printf(flaws, "%s: no context\n", d->name);
    if (d->syntax == NULL && d->field.type == NULL && d->choices == NULL)
        buf_printf(flaws, "%s: neither syntax nor type\n", d->name);
    if ((d->flags & BLOCK) && d->set == NULL)
        buf_printf(flaws, "%s: a block that nothing opens\n", d->name);
    if (d->example)
        check_text(d, str_of(d->example), "example", flaws);
    else if (d->initial == NULL && !(d->flags & IGNORED))
        buf_printf(flaws, "%s: neither example nor default\n", d->name);
    const char *value = d->initial ? d->initial : d->unset;
    if (value) {
        const char *end = d->flags & BLOCK ? "" : ";";
        struct str text = arena_printf(flaws->arena, "%s %s%s", d->name, value, end);
        check_text(d, text, "default", flaws);
    }
}

bool
directive_set_check(const struct directive_set *set, struct buf *flaws)
{
    size_t before = flaws->n;
    if (set->name == NULL)
        buf_put(flaws, STR("a set without a name\n"));
    for (const struct directive *d = set->directives; d && d->name; d++)
        check_row(d, flaws);
    return flaws->n == before;
}
