/* Names are looked up as far as a reader would: in the blocks around, and among the maps. The hops
 * are bounded, since variables may be made of each other. */
#include "lint/flow.h"

#include "lint/pattern.h"
#include "lint/tree.h"

enum { HOPS_MAX = 6 };

static bool reaches(const struct node *node, struct str text, const struct flow *f, unsigned hops);

struct str
flow_pattern(struct str word)
{
    if (!str_starts(word, STR("~")))
        return STR_NONE;
    word = str_skip(word, 1);
    return str_skip(word, str_starts(word, STR("*")));
}

struct str
flow_condition(const struct node *node)
{
    struct str op = node_arg(node, 2), pattern = node_arg(node, 3);
    if (!node_is(node, "if") || pattern.p == NULL || str_find(op, '~') < 0)
        return STR_NONE;
    if (!node->words[3].quoted && str_ends(pattern, STR(")")) && node->n == 4)
        pattern = str_head(pattern, pattern.n - 1);
    return pattern;
}

static bool
is_number(struct str name)
{
    return name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9';
}

const struct node *
flow_map(const struct node *anywhere, struct str variable)
{
    const struct node *map = NULL;
    while ((map = node_global(anywhere, "map", map)) != NULL) {
        struct str name = node_arg(map, 2);
        if (name.n && str_eq(str_skip(name, 1), variable))
            return map;
    }
    return NULL;
}

/* A group of what a location or rewrite matches in the path. */
static bool
path_group(struct str pattern, struct str name, const struct flow *f)
{
    struct str group = pattern_group(pattern, name);
    return group.p && !f->path_is_ours && f->variable(STR("uri")) && f->group(group);
}

static bool
condition_group(const struct node *node, struct str name, const struct flow *f, unsigned hops)
{
    struct str group = pattern_group(flow_condition(node), name);
    return group.p && f->group(group) && reaches(node->parent, node_arg(node, 1), f, hops);
}

/* The pattern of a directive that the name may be a group of. */
static bool
group_reaches(const struct node *node, struct str name, const struct flow *f, unsigned hops)
{
    if (node_is(node, "if"))
        return condition_group(node, name, f, hops);
    if (node_is(node, "rewrite"))
        return path_group(node_arg(node, 1), name, f);
    if (node_is(node, "location")) {
        struct place p = place_of(node);
        return place_is_regex(&p) && path_group(p.name, name, f);
    }
    for (unsigned i = 1; node_is(node, "server_name") && i < node->n; i++) {
        struct str group = pattern_group(flow_pattern(node_arg(node, i)), name);
        if (group.p && !is_number(name) && f->variable(STR("host")) && f->group(group))
            return true;
    }
    return false;
}

static bool
set_reaches(const struct node *set, struct str name, const struct flow *f, unsigned hops)
{
    struct str variable = node_arg(set, 1);
    return node_is(set, "set") && variable.n && str_eq(str_skip(variable, 1), name) &&
           reaches(set, node_arg(set, 2), f, hops);
}

/* A directive beside the one that asks, or beside a block around it; a number is the last match's
 * before. */
static bool
made_beside(const struct node *other, struct str name, bool before, const struct flow *f,
            unsigned hops)
{
    bool counts =
        is_number(name) ? before && node_is(other, "rewrite") : !node_is(other, "location");
    if (set_reaches(other, name, f, hops) || (counts && group_reaches(other, name, f, hops)))
        return true;
    for (const struct node *in = other->children; in && node_is(other, "if"); in = in->next)
        if (set_reaches(in, name, f, hops))
            return true;
    return false;
}

static bool
made_around(const struct node *node, struct str name, const struct flow *f, unsigned hops)
{
    for (const struct node *at = node; at->parent && !node_is(at, "server"); at = at->parent) {
        bool before = at == node;
        if (at != node && group_reaches(at, name, f, hops))
            return true;
        for (const struct node *other = at->parent->children; other; other = other->next) {
            before = before && other != at;
            if (other != at && made_beside(other, name, before, f, hops))
                return true;
        }
    }
    return false;
}

/* A line of a map: its value, and the groups of its key. */
static bool
line_reaches(const struct node *map, const struct node *line, const struct flow *f, unsigned hops)
{
    struct str value = node_arg(line, 1), name, pattern = flow_pattern(line->words[0].text);
    for (struct str rest = value; next_variable(&rest, &name);) {
        struct str group = pattern_group(pattern, name);
        if (group.p && f->group(group) && reaches(map, node_arg(map, 1), f, hops))
            return true;
    }
    return reaches(map, value, f, hops);
}

static bool
map_reaches(const struct node *map, const struct flow *f, unsigned hops)
{
    for (const struct node *line = map->children; line; line = line->next)
        if (line_reaches(map, line, f, hops))
            return true;
    return false;
}

/* ".svc.cluster.local" after the last variable: what is before it is a label. */
static bool
has_domain(struct str text)
{
    const char *last = memrchr(text.p, '$', text.n);
    struct str rest = last ? str_between(last, text.p + text.n) : STR("");
    ptrdiff_t dot = str_find(rest, '.'), slash = str_find(rest, '/');
    return dot > 0 && (slash < 0 || dot < slash) && rest.n > (size_t)dot + 1;
}

static bool
reaches(const struct node *node, struct str text, const struct flow *f, unsigned hops)
{
    struct str name;
    struct flow labels = *f;
    labels.group = f->label;
    if (f->label && text.n && has_domain(text))
        f = &labels;
    while (hops && next_variable(&text, &name)) {
        if (node_is(node, "rewrite") && is_number(name))
            continue; /* its own, which it escapes */
        const struct node *map = flow_map(node, name);
        bool path = str_is_among(name, STR("uri document_uri request_uri"));
        if (map ? map_reaches(map, f, hops - 1)
                : (f->variable(name) && !(path && f->path_is_ours)) ||
                      made_around(node, name, f, hops - 1))
            return true;
    }
    return false;
}

bool
flow_reaches(const struct node *node, struct str text, const struct flow *f)
{
    return reaches(node, text, f, HOPS_MAX);
}
