/* Locations that are never found, patterns that never match or take for ever, and if. */
#include "lint/flow.h"
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

/* nginx's manual has limit_rate in an if; what follows is lost all the same when it is try_files.
 */
static bool
is_harmless(const struct node *inner, const struct node *location)
{
    return node_is_any(inner, "return rewrite set break rewrite_log") ||
           (node_is_any(inner, "limit_rate limit_rate_after") &&
            !node_child(location, "try_files"));
}

void
check_if_in_location(struct lint *l, const struct node *node)
{
    if (!node_is(node, "if") || !node_is(node->parent, "location") || node_child(node, "return"))
        return;
    for (const struct node *inner = node->children; inner; inner = inner->next)
        if (!is_harmless(inner, node->parent)) {
            lint_add(
                l, node_span(inner),
                "an \"if\" that holds replaces the location's settings: other \"if\" blocks and "
                "what stands outside may be lost");
            return;
        }
}

/* A longer plain prefix lets regular expressions be asked again. */
static bool
has_opening(const struct node *final, struct str name)
{
    for (const struct node *node = final->parent->children; node; node = node->next) {
        if (!node_is(node, "location"))
            continue;
        struct place p = place_of(node);
        if (p.kind == PLACE_PREFIX && p.name.n > name.n && str_starts(p.name, name))
            return true;
    }
    return false;
}

/* A ^~ location that holds everything which begins as the regex does. */
static bool
hides_by_prefix(const struct node *by, const struct place *p, const struct place *regex)
{
    char room[256];
    struct str prefix = pattern_prefix(regex->name, room, sizeof room);
    return p->kind == PLACE_FINAL && regex->kind == PLACE_REGEX && p->name.n &&
           str_starts(prefix, p->name) && !has_opening(by, p->name);
}

/* A plain prefix yields to a regex that takes everything. */
static bool
is_hidden(const struct place *p, const struct node *other, bool earlier)
{
    struct place by = place_of(other);
    if (place_is_regex(p) && place_is_regex(&by))
        return earlier &&
               pattern_covers(by.name, by.kind == PLACE_NOCASE, p->name, p->kind == PLACE_NOCASE);
    if (place_is_regex(p))
        return hides_by_prefix(other, &by, p);
    return p->kind == PLACE_PREFIX && place_is_regex(&by) && pattern_matches_all(by.name);
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

/* Within "location /api/" every path begins with "/api/". */
static bool
is_outside(struct lint *l, const struct node *node, const struct place *p)
{
    char room[256];
    if (!node_is(node->parent, "location") || !place_is_regex(p))
        return false;
    struct place around = place_of(node->parent);
    struct str prefix = pattern_prefix(p->name, room, sizeof room), name = around.name;
    size_t n = prefix.n < name.n ? prefix.n : name.n;
    bool agree = p->kind == PLACE_NOCASE ? str_eq_nocase(str_head(prefix, n), str_head(name, n))
                                         : str_eq(str_head(prefix, n), str_head(name, n));
    if (!place_is_prefix(&around) || agree)
        return false;
    lint_add(l, p->span, "never chosen: every path here begins with \"" STR_FMT "\"",
             STR_ARG(name));
    return true;
}

void
check_shadowed_location(struct lint *l, const struct node *node)
{
    if (!node_is(node, "location") || !node->block || has_places_inside(node))
        return;
    struct place p = place_of(node);
    bool earlier = true;
    if (is_outside(l, node, &p))
        return;
    for (const struct node *other = node->parent->children; other; other = other->next) {
        if (other == node)
            earlier = false;
        if (other == node || !may_hide(other) || !is_hidden(&p, other, earlier))
            continue;
        lint_add(l, p.span, "never chosen: the location in " STR_FMT " takes its requests",
                 STR_ARG(node_place(l, other, node)));
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

/* What only means something in a regular expression: "|", "\.", "*", "$" at the end. */
static bool
looks_like_a_pattern(struct str name)
{
    return str_find(name, '|') >= 0 || str_find(name, '\\') >= 0 || str_find(name, '*') >= 0 ||
           str_ends(name, STR("$"));
}

static void
judge_prefix(struct lint *l, const struct place *p)
{
    if (looks_like_a_pattern(p->name))
        lint_add(l, p->span,
                 "this is compared as it stands: a regular expression has \"~\" before it");
    else if (p->name.n && p->name.p[0] != '/')
        lint_add(l, p->span, "this can never match: every path begins with a slash");
    else if (str_find(p->name, '?') >= 0)
        lint_add(l, p->span, "this does not match a query string: only the path is looked at");
    else if (has_escape(p->name))
        lint_add(l, p->span, "the path is decoded before it is compared: %%XX never matches");
}

void
check_regex_never_matches(struct lint *l, const struct node *node)
{
    struct str condition = flow_condition(node);
    if (node_is(node, "rewrite"))
        judge_pattern(l, node_arg(node, 1), node_arg_span(node, 1));
    if (condition.p && has_variable(node_arg(node, 1), "uri document_uri"))
        judge_pattern(l, condition, node_arg_span(node, 3));
    if (!node_is(node, "location") || !node->block)
        return;
    struct place p = place_of(node);
    if (place_is_regex(&p))
        judge_pattern(l, p.name, p.span);
    else if (p.kind != PLACE_NAMED)
        judge_prefix(l, &p);
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
    struct str condition = flow_condition(node);
    if (node_is(node, "rewrite"))
        judge_effort(l, node_arg(node, 1), node_arg_span(node, 1));
    if (condition.p)
        judge_effort(l, condition, node_arg_span(node, 3));
    if (node_is(node, "location") && node->block) {
        struct place p = place_of(node);
        if (place_is_regex(&p))
            judge_effort(l, p.name, p.span);
    }
    for (unsigned i = 1; node_is_any(node, "server_name valid_referers") && i < node->n; i++)
        judge_effort(l, flow_pattern(node_arg(node, i)), node_arg_span(node, i));
    if (!node_is(node, "map") || !node->block)
        return;
    for (const struct node *line = node->children; line; line = line->next)
        judge_effort(l, flow_pattern(line->words[0].text), line->words[0].span);
}
