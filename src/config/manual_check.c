/* What every row must have to be documented, and whether its default and example are of its shape.
 */
#include "config/manual.h"

#include "config/check.h"

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
