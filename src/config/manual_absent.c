/* The page of what nginx has and usher has not: the table of nginx's directives less the rows. */
#include "config/manual.h"

#include "config/foreign.h"

/* A table while it is printed: a line for each module that has something to say. */
struct table {
    struct buf *b;
    const struct directive_set *const *sets;
    bool later, ignored; /* what is sought: planned or not; accepted without effect, or unknown */
    const char *module;  /* of the last line; NULL: none yet */
};

/* The row of that name that does most: one with an effect, if there is any. */
static const struct directive *
find(const struct directive_set *const *sets, struct str name)
{
    const struct directive *found = NULL;
    for (; *sets; sets++)
        for (const struct directive *d = (*sets)->directives; d && d->name; d++)
            if (str_eq(str_of(d->name), name) && (found == NULL || (found->flags & IGNORED)))
                found = d;
    return found;
}

static void
add(void *arg, const char *module, bool later, struct str name)
{
    struct table *t = arg;
    const struct directive *d = find(t->sets, name);
    bool sought = t->ignored ? d && (d->flags & IGNORED) : d == NULL && later == t->later;
    if (!sought)
        return;
    if (t->module == NULL || strcmp(t->module, module) != 0)
        buf_printf(t->b, "%s\n| %s |", t->module ? " |" : "", module);
    buf_printf(t->b, " `" STR_FMT "`", STR_ARG(name));
    t->module = module;
}

static void
print_table(struct table t, const char *title)
{
    buf_printf(t.b, "\n## %s\n\n| module | directives |\n|---|---|", title);
    foreign_each(add, &t);
    buf_put(t.b, str_of(t.module ? " |\n" : "\n"));
}

void
manual_print_absent(struct buf *b, const struct directive_set *const *sets)
{
    buf_put(b, STR("# What is not there\n\n[All directives](README.md)\n\nThe directives of nginx "
                   "1.31 and of its usual add-ons, less those that usher has. In a configuration\n"
                   "they are errors that name the module.\n"));
    print_table((struct table){ b, sets, true, false, NULL }, "Not there yet");
    print_table((struct table){ b, sets, false, false, NULL }, "Not part of usher");
    print_table((struct table){ b, sets, true, true, NULL }, "Accepted, and of no effect");
}
