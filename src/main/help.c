/* The manual on the terminal: one directive, all names, or everything. */
#include "main/help.h"

#include "config/print.h"
#include "main/registry.h"
#include "main/version.h"

static bool
print(struct buf *b, const char *what)
{
    const struct directive_set *const *sets = registry_sets();
    if (strcmp(what, "--names") == 0)
        manual_print_names(b, sets);
    else if (strcmp(what, "--manual") == 0)
        manual_print(b, sets);
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
