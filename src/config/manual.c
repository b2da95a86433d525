/* Rows to markdown: one directive, or a page for each feature and an index of them. */
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
    buf_printf(b, "## %s\n\n- Syntax: `", d->name);
    syntax_print(d, b);
    buf_put(b, STR("`\n"));
    print_default(b, d);
    buf_put(b, STR("- Context: "));
    contexts_print(d->contexts, b);
    buf_printf(b, "\n- Feature: %s\n\n%s\n", set->name, d->help ? d->help : "");
    print_example(b, d);
    if (d->differs)
        buf_printf(b, "\nDiffers from nginx: %s\n", d->differs);
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
print_line(struct buf *b, const char *name)
{
    buf_printf(b, "%s\n", name);
}

unsigned
manual_pages(struct arena *a, const struct directive_set *const *sets, const char ***names)
{
    unsigned n, pages = 0;
    struct entry *entries = collect(a, sets, &n);
    qsort(entries, n, sizeof(entries[0]), by_set_and_name);
    *names = arena_array(a, const char *, n + 1);
    for (unsigned i = 0; i < n; i++)
        if (i == 0 || strcmp(entries[i].set->name, entries[i - 1].set->name) != 0)
            (*names)[pages++] = entries[i].set->name;
    return pages;
}

void
manual_print_page(struct buf *b, const struct directive_set *const *sets, const char *name)
{
    unsigned n;
    struct entry *entries = collect(b->arena, sets, &n);
    qsort(entries, n, sizeof(entries[0]), by_set_and_name);
    buf_printf(b, "# %s\n\n[All directives](README.md)\n", name);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(entries[i].set->name, name) != 0)
            continue;
        buf_byte(b, '\n');
        manual_print_directive(b, entries[i].set, entries[i].directive);
    }
}

void
manual_print_index(struct buf *b, const struct directive_set *const *sets)
{
    unsigned n;
    const char *page = "", *last = "";
    struct entry *entries = collect(b->arena, sets, &n);
    qsort(entries, n, sizeof(entries[0]), by_set_and_name);
    buf_put(b,
            STR("# Directives\n\nWritten by `usher help --manual docs/reference`: change the rows "
                "in the source, not these files.\n`usher help DIRECTIVE` prints one of them.\n\n"
                "| page | directives |\n|---|---|"));
    for (unsigned i = 0; i < n; i++) {
        const char *name = entries[i].directive->name;
        if (strcmp(entries[i].set->name, page) != 0) {
            page = entries[i].set->name;
            buf_printf(b, "%s\n| [%s](%s.md) |", i ? " |" : "", page, page);
        } else if (strcmp(name, last) == 0) {
            continue;
        }
        buf_printf(b, " [%s](%s.md#%s)", name, page, name);
        last = name;
    }
    buf_put(b, STR(" |\n\nBeside them: all [variables](variables.md), and what nginx has and usher "
                   "has [not](absent.md).\n"));
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
