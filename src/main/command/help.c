/* The manual: one directive, variable or rule, or all names on the terminal, everything as pages in
 * a directory. */
#include "main/command/help.h"

#include "config/manual.h"
#include "exchange/feature.h"
#include "lint/lint.h"
#include "main/command/usage.h"
#include "main/command/version.h"
#include "main/registry.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum { VARIABLES_MAX = 512 };

static void
add_variables(const struct variable **all, unsigned *n, const struct variable *list)
{
    for (; list && list->name && *n < VARIABLES_MAX; list++)
        all[(*n)++] = list;
}

static int
by_name(const void *left, const void *right)
{
    const struct variable *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static unsigned
all_variables(const struct variable **all)
{
    unsigned n = 0;
    for (const struct variable *const *list = core_variables; *list; list++)
        add_variables(all, &n, *list);
    for (unsigned i = 0; features[i]; i++)
        add_variables(all, &n, features[i]->variables);
    qsort(all, n, sizeof all[0], by_name);
    return n;
}

static void
print_variables(struct buf *b, const struct directive_set *const *sets)
{
    const struct variable *all[VARIABLES_MAX];
    unsigned n = all_variables(all);
    buf_put(b,
            STR("# Variables\n\n[All directives](README.md)\n\n| variable | value |\n|---|---|\n"));
    for (unsigned i = 0; i < n; i++)
        buf_printf(b, "| `$%s%s` | %s |\n", all[i]->name,
                   all[i]->flags & VARIABLE_PREFIX ? "NAME" : "", all[i]->help);
}

/* "uri", or "arg_x" of the family "arg_". */
static bool
print_variable(struct buf *b, struct str name)
{
    const struct variable *all[VARIABLES_MAX], *found = NULL;
    unsigned n = all_variables(all);
    for (unsigned i = 0; i < n; i++) {
        struct str known = str_of(all[i]->name);
        bool family = all[i]->flags & VARIABLE_PREFIX;
        if (str_eq(known, name) ||
            (family && (str_starts(name, known) || str_eq(str_head(known, known.n - 1), name))))
            found = found && !family ? found : all[i];
    }
    if (found)
        buf_printf(b, "## $%s%s\n\n%s\n", found->name, found->flags & VARIABLE_PREFIX ? "NAME" : "",
                   found->help);
    return found != NULL;
}

static void
print_rule(struct buf *b, const struct rule *rule)
{
    buf_printf(b, "## %s\n\nA rule of usher lint. %s\n\nTo do: %s.\n", rule->id, rule->summary,
               rule->fix);
    if (rule->bad)
        buf_printf(b, "\n```nginx\n# found\n%s\n# fine\n%s\n```\n", rule->bad, rule->good);
}

static bool
write_page(const char *directory, const char *name, const struct buf *b)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.md", directory, name);
    FILE *to = fopen(path, "w");
    bool fine = to && fwrite(b->p, 1, b->n, to) == b->n;
    fine = to && fclose(to) == 0 && fine;
    if (!fine)
        fprintf(stderr, "%s: cannot write \"%s\": %s\n", program_name(), path, strerror(errno));
    return fine;
}

typedef void print_fn(struct buf *b, const struct directive_set *const *sets);

static bool
write_special(const char *directory, const char *name, print_fn *print, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 65536, 0);
    print(&b, registry_sets());
    return write_page(directory, name, &b);
}

/* --manual DIRECTORY */
static bool
write_manual(const char *directory, struct arena *a)
{
    const char **names;
    unsigned n = manual_pages(a, registry_sets(), &names);
    bool fine = write_special(directory, "README", manual_print_index, a) &&
                write_special(directory, "variables", print_variables, a) &&
                write_special(directory, "absent", manual_print_absent, a);
    for (unsigned i = 0; fine && i < n; i++) {
        struct buf b;
        buf_init(&b, a, 65536, 0);
        manual_print_page(&b, registry_sets(), names[i]);
        fine = write_page(directory, names[i], &b);
    }
    return fine;
}

/* A directive; a variable with its "$", or without where no directive is called so; a rule of lint.
 */
static bool
print_word(struct buf *b, const char *what)
{
    struct str name = str_of(what);
    const struct rule *rule = lint_rule(name);
    if (str_starts(name, STR("$")))
        return print_variable(b, str_skip(name, 1));
    if (manual_print_name(b, registry_sets(), name))
        return true;
    if (rule)
        print_rule(b, rule);
    return rule || print_variable(b, name);
}

static bool
print(struct buf *b, const char *what)
{
    const struct directive_set *const *sets = registry_sets();
    if (strcmp(what, "--names") == 0)
        manual_print_names(b, sets);
    else if (strcmp(what, "--man") == 0)
        manual_print_roff(b, sets);
    else
        return print_word(b, what);
    return true;
}

static void
tell_unknown(struct buf *b, const char *name)
{
    struct variable_table t;
    bool variable = *name == '$';
    if (variable) {
        variable_table_init(&t, b->arena);
        variable_table_add_core(&t);
        for (unsigned i = 0; features[i]; i++)
            if (features[i]->variables)
                variable_table_add(&t, features[i]->variables);
        struct str near = variable_suggest(&t, str_of(name + 1));
        if (near.n)
            buf_printf(b, "did you mean \"$" STR_FMT "\"?", STR_ARG(near));
    } else {
        manual_print_hint(b, registry_sets(), str_of(name));
    }
    fprintf(stderr, "%s: unknown %s \"%s\"%s" STR_FMT "\n", program_name(),
            variable ? "variable" : "directive", name, b->n ? ": " : "", STR_ARG(buf_str(b)));
}

static bool
show(const char *what, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 65536, 0);
    bool known = print(&b, what);
    if (!known && usage_print_command(stdout, what))
        return true;
    if (known)
        fwrite(b.p, 1, b.n, stdout);
    else
        tell_unknown(&b, what);
    return known;
}

static int
usage(char **argv)
{
    usage_print(argv[0] ? stderr : stdout);
    return argv[0] ? 1 : 0;
}

int
help(char **argv)
{
    bool manual = argv[0] && strcmp(argv[0], "--manual") == 0;
    if (argv[0] == NULL || !argv[manual] || argv[1 + manual])
        return usage(argv);
    struct arena a;
    arena_init(&a, 0);
    bool fine = manual ? write_manual(argv[1], &a) : show(argv[0], &a);
    arena_fini(&a);
    return fine ? 0 : 1;
}
