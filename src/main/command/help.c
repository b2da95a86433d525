/* The manual on the terminal: one directive, all names, or everything. */
#include "main/command/help.h"

#include "config/manual.h"
#include "exchange/feature.h"
#include "main/command/version.h"
#include "main/registry.h"

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

static void
print_variables(struct buf *b)
{
    static const struct variable *const core[] = {
        request_variables,  connection_variables, time_variables,
        response_variables, file_variables,       upstream_variables,
    };
    const struct variable *all[VARIABLES_MAX];
    unsigned n = 0;
    for (size_t i = 0; i < sizeof core / sizeof core[0]; i++)
        add_variables(all, &n, core[i]);
    for (unsigned i = 0; features[i]; i++)
        add_variables(all, &n, features[i]->variables);
    qsort(all, n, sizeof all[0], by_name);
    buf_put(b, STR("\n# Variables\n\n| variable | value |\n|---|---|\n"));
    for (unsigned i = 0; i < n; i++)
        buf_printf(b, "| `$%s%s` | %s |\n", all[i]->name,
                   all[i]->flags & VARIABLE_PREFIX ? "NAME" : "", all[i]->help);
}

static void
print_all(struct buf *b, const struct directive_set *const *sets)
{
    manual_print(b, sets);
    print_variables(b);
}

static bool
print(struct buf *b, const char *what)
{
    const struct directive_set *const *sets = registry_sets();
    if (strcmp(what, "--names") == 0)
        manual_print_names(b, sets);
    else if (strcmp(what, "--manual") == 0)
        print_all(b, sets);
    else
        return manual_print_name(b, sets, str_of(what));
    return true;
}

static void
tell_unknown(struct buf *b, const char *name)
{
    manual_print_hint(b, registry_sets(), str_of(name));
    fprintf(stderr, "%s: unknown directive \"%s\"%s" STR_FMT "\n", program_name(), name,
            b->n ? ": " : "", STR_ARG(buf_str(b)));
}

int
help(char **argv)
{
    if (argv[0] == NULL || argv[1] != NULL) {
        program_print_usage(argv[0] ? stderr : stdout);
        return argv[0] ? 1 : 0;
    }
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 65536, 0);
    bool known = print(&b, argv[0]);
    if (known)
        fwrite(b.p, 1, b.n, stdout);
    else
        tell_unknown(&b, argv[0]);
    arena_fini(&a);
    return known ? 0 : 1;
}
