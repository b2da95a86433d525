/* Paths that are not what they look like, and directives that do nothing. */
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

/* The alias of a location that is given by a prefix; false when there is nothing to compare. */
static bool
is_alias_of_prefix(const struct node *node, struct place *p)
{
    if (!node_is(node, "alias") || !node_is(node->parent, "location") || node->n != 2)
        return false;
    *p = place_of(node->parent);
    return place_is_prefix(p) && p->name.n > 0;
}

/* "^/i(.*)$" and "/srv/$1": the group goes on where the name ends, and behind a slash. */
static bool
leads_out(struct str pattern, struct str alias)
{
    struct str before = STR(""), rest = alias, name;
    char room[256];
    if (!next_variable(&rest, &name))
        return false;
    ptrdiff_t at = str_find(alias, '$');
    struct str group = pattern_group(pattern, name);
    before = str_head(alias, (size_t)at);
    if (group.p == NULL || !pattern_is_wide(group) || !str_ends(before, STR("/")))
        return false;
    const char *bracket = group.p;
    while (bracket > pattern.p && *bracket != '(')
        bracket--;
    struct str head = str_between(pattern.p, bracket);
    struct str prefix = pattern_prefix(head, room, sizeof room);
    return prefix.n && pattern_is_literal(head) && !str_ends(prefix, STR("/"));
}

void
check_alias_traversal(struct lint *l, const struct node *node)
{
    struct place p;
    struct str alias = node_arg(node, 1);
    if (is_alias_of_prefix(node, &p)) {
        if (!str_ends(p.name, STR("/")) && str_ends(alias, STR("/")))
            lint_add(l, p.span, "\"" STR_FMT "../x\" leads out of \"" STR_FMT "\"", STR_ARG(p.name),
                     STR_ARG(alias));
        return;
    }
    if (!node_is(node, "alias") || !node_is(node->parent, "location"))
        return;
    p = place_of(node->parent);
    if (place_is_regex(&p) && leads_out(p.name, alias))
        lint_add(l, p.span, "the group may be \"../x\", which leads out of the alias");
}

void
check_alias_slash(struct lint *l, const struct node *node)
{
    struct place p;
    struct str alias = node_arg(node, 1), rest = alias, name;
    if (!is_alias_of_prefix(node, &p) || !str_ends(p.name, STR("/")) || str_ends(alias, STR("/")))
        return;
    while (next_variable(&rest, &name))
        if (str_skip(rest, str_starts(rest, STR("}"))).n == 0)
            return; /* who knows what it ends with */
    lint_add(l, node_arg_span(node, 1), "\"" STR_FMT "x\" becomes the file \"" STR_FMT "x\"",
             STR_ARG(p.name), STR_ARG(alias));
}

void
check_alias_without_capture(struct lint *l, const struct node *node)
{
    struct str alias = node_arg(node, 1);
    if (!node_is(node, "alias") || !node_is(node->parent, "location") ||
        str_find(alias, '$') >= 0 || !str_ends(alias, STR("/")))
        return;
    struct place p = place_of(node->parent);
    if (place_is_regex(&p))
        lint_add(l, node_arg_span(node, 1), "every request asks for \"" STR_FMT "\" itself",
                 STR_ARG(alias));
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
