/* Locations that are never found, patterns that never match or take for ever, and if. */
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

void
check_if_in_location(struct lint *l, const struct node *node)
{
    if (!node_is(node, "if") || !node_is(node->parent, "location"))
        return;
    for (const struct node *inner = node->children; inner; inner = inner->next)
        if (!node_is_any(inner, "return rewrite set break rewrite_log")) {
            lint_add(
                l, node_span(inner),
                "an \"if\" that holds replaces the location's settings: other \"if\" blocks and "
                "what stands outside may be lost");
            return;
        }
}

/* Is the earlier regex asked first, and does it take all that the later would? */
static bool
hides(const struct place *earlier, const struct place *later)
{
    if (pattern_matches_all(earlier->name))
        return true;
    return str_eq(earlier->name, later->name) &&
           (earlier->kind == later->kind || earlier->kind == PLACE_NOCASE);
}

/* A ^~ location that holds everything which begins as the regex does. */
static bool
hides_by_prefix(const struct place *p, const struct place *regex)
{
    char room[256];
    struct str prefix = pattern_prefix(regex->name, room, sizeof room);
    return p->kind == PLACE_FINAL && regex->kind == PLACE_REGEX && p->name.n &&
           str_starts(prefix, p->name);
}

/* A plain prefix yields to a regex that takes everything. */
static bool
is_hidden(const struct place *p, const struct place *by, bool earlier)
{
    if (place_is_regex(p) && place_is_regex(by))
        return earlier && hides(by, p);
    if (place_is_regex(p))
        return hides_by_prefix(by, p);
    return p->kind == PLACE_PREFIX && place_is_regex(by) && pattern_matches_all(by->name);
}

static bool
has_places_inside(const struct node *location)
{
    return node_child(location, "location") != NULL;
}

/* Plain prefixes hide nothing, and are many. */
static bool
may_hide(const struct node *node)
{
    char mark = node_arg(node, 1).n ? node_arg(node, 1).p[0] : 0;
    return (mark == '~' || mark == '^') && node_is(node, "location") && !has_places_inside(node);
}

void
check_shadowed_location(struct lint *l, const struct node *node)
{
    if (!node_is(node, "location") || !node->block || has_places_inside(node))
        return;
    struct place p = place_of(node);
    bool earlier = true;
    for (const struct node *other = node->parent->children; other; other = other->next) {
        if (other == node)
            earlier = false;
        if (other == node || !may_hide(other))
            continue;
        struct place by = place_of(other);
        if (!is_hidden(&p, &by, earlier))
            continue;
        lint_add(l, p.span, "never chosen: the location in line %u takes its requests",
                 node_span(other).line);
        return;
    }
}

static bool
has_escape(struct str name)
{
    for (size_t i = 0; i + 2 < name.n; i++)
        if (name.p[i] == '%' && strchr("0123456789abcdefABCDEF", name.p[i + 1]) &&
            strchr("0123456789abcdefABCDEF", name.p[i + 2]))
            return true;
    return false;
}

static void
judge_pattern(struct lint *l, struct str pattern, struct span at)
{
    if (pattern_is_impossible(pattern))
        lint_add(l, at, "this can never match: there is text beyond \"$\" or before \"^\"");
    else if (pattern_begins_without_slash(pattern))
        lint_add(l, at, "this can never match: every path begins with a slash");
    else if (pattern_has_question_mark(pattern))
        lint_add(l, at, "this does not match a query string: only the path is looked at");
}

void
check_regex_never_matches(struct lint *l, const struct node *node)
{
    if (node_is(node, "rewrite"))
        judge_pattern(l, node_arg(node, 1), node_arg_span(node, 1));
    if (!node_is(node, "location") || !node->block)
        return;
    struct place p = place_of(node);
    if (place_is_regex(&p))
        judge_pattern(l, p.name, p.span);
    else if (p.kind != PLACE_NAMED && str_find(p.name, '?') >= 0)
        lint_add(l, p.span, "this does not match a query string: only the path is looked at");
    else if (p.kind != PLACE_NAMED && has_escape(p.name))
        lint_add(l, p.span, "the path is decoded before it is compared: %%XX never matches");
}

void
check_bare_dot(struct lint *l, const struct node *node)
{
    if (!node_is(node, "location") || !node->block)
        return;
    struct place p = place_of(node);
    if (place_is_regex(&p) && pattern_has_bare_extension(p.name))
        lint_add(l, p.span, "the dot stands for any byte");
}

static void
judge_effort(struct lint *l, struct str pattern, struct span at)
{
    if (pattern_nests_quantifiers(pattern))
        lint_add(l, at, "a repetition of a repetition: some paths take very long not to match");
}

void
check_regex_backtracking(struct lint *l, const struct node *node)
{
    if (node_is(node, "rewrite"))
        judge_effort(l, node_arg(node, 1), node_arg_span(node, 1));
    if (node_is(node, "location")) {
        struct place p = place_of(node);
        if (place_is_regex(&p))
            judge_effort(l, p.name, p.span);
    }
    for (unsigned i = 2; node_is(node, "if") && i < node->n; i++)
        judge_effort(l, node_arg(node, i), node_arg_span(node, i));
    if (!node_is(node, "map") || !node->block)
        return;
    for (const struct node *line = node->children; line; line = line->next)
        if (str_starts(line->words[0].text, STR("~")))
            judge_effort(l, str_skip(line->words[0].text, 1), line->words[0].span);
}
