/* Paths that are not what they look like, and directives that do nothing. */
#include "lint/rules.h"
#include "lint/tree.h"

/* The alias of a location that is given by a prefix; false when there is nothing to compare. */
static bool
is_plain_alias(const struct node *node, struct place *p)
{
    if (!node_is(node, "alias") || !node_is(node->parent, "location") || node->n != 2 ||
        str_find(node_arg(node, 1), '$') >= 0)
        return false;
    *p = place_of(node->parent);
    return place_is_prefix(p) && p->name.n > 0;
}

void
check_alias_traversal(struct lint *l, const struct node *node)
{
    struct place p;
    if (is_plain_alias(node, &p) && !str_ends(p.name, STR("/")) &&
        str_ends(node_arg(node, 1), STR("/")))
        lint_add(l, p.span, "\"" STR_FMT "../x\" leads out of \"" STR_FMT "\"", STR_ARG(p.name),
                 STR_ARG(node_arg(node, 1)));
}

void
check_alias_slash(struct lint *l, const struct node *node)
{
    struct place p;
    if (is_plain_alias(node, &p) && str_ends(p.name, STR("/")) &&
        !str_ends(node_arg(node, 1), STR("/")))
        lint_add(l, node_arg_span(node, 1), "\"" STR_FMT "x\" becomes the file \"" STR_FMT "x\"",
                 STR_ARG(p.name), STR_ARG(node_arg(node, 1)));
}

void
check_merge_slashes_off(struct lint *l, const struct node *node)
{
    if (node_is(node, "merge_slashes") && node_has_arg(node, "off"))
        lint_add(l, node_span(node), "\"//admin\" is not in \"location /admin\" then");
}

/* NULL when the name has a row that does something. */
static const struct directive *
idle_row(struct lint *l, struct str name)
{
    const struct directive *idle = NULL;
    for (const struct directive_set *const *set = l->sets; set && *set; set++)
        for (const struct directive *d = (*set)->directives; d && d->name; d++)
            if (str_eq(str_of(d->name), name)) {
                if (!(d->flags & IGNORED))
                    return NULL;
                idle = d;
            }
    return idle;
}

void
check_no_effect(struct lint *l, const struct node *node)
{
    const struct directive *d = idle_row(l, node->words[0].text);
    if (d)
        lint_add(l, node_span(node), "\"%s\" has no effect: %s", d->name, d->help);
}
