/* Lists of fields that an inner block replaces as a whole, and answers to foreign origins. */
#include "lint/flow.h"
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

static bool
names_field(const struct node *block, const char *directive, struct str field)
{
    for (const struct node *node = block->children; node; node = node->next)
        if (node_is(node, directive) && str_eq_nocase(node_arg(node, 1), field))
            return true;
    return false;
}

/* The fields that the outer block sets and the inner one does not, as a list. */
static struct str
lost_fields(struct lint *l, const struct node *outer, const struct node *inner,
            const char *directive)
{
    struct buf b;
    buf_init(&b, l->arena, 64, 200);
    for (const struct node *node = outer->children; node; node = node->next)
        if (node_is(node, directive) && !names_field(inner, directive, node_arg(node, 1)))
            buf_printf(&b, "%s" STR_FMT, b.n ? ", " : "", STR_ARG(node_arg(node, 1)));
    return buf_str(&b);
}

static void
check_lost(struct lint *l, const struct node *block, const char *directive)
{
    const struct node *first = node_child(block, directive);
    const struct node *outer = first ? node_in_force(block->parent, directive) : NULL;
    if (outer == NULL)
        return;
    struct str lost =
        lost_fields(l, outer->parent ? outer->parent : block->parent, block, directive);
    if (lost.n)
        lint_add(l, node_span(first),
                 "with this line the block loses what " STR_FMT " sets: " STR_FMT,
                 STR_ARG(node_place(l, outer, first)), STR_ARG(lost));
}

static bool
is_block(const struct node *node)
{
    return node->block && node_is_any(node, "server location if limit_except");
}

void
check_lost_add_header(struct lint *l, const struct node *node)
{
    if (!is_block(node) || node_child(node, "add_header") == NULL)
        return;
    const struct node *inherit = node_in_force(node, "add_header_inherit");
    if (inherit == NULL || node_has_arg(inherit, "on"))
        check_lost(l, node, "add_header");
}

void
check_lost_set_header(struct lint *l, const struct node *node)
{
    if (!is_block(node))
        return;
    check_lost(l, node, "proxy_set_header");
    check_lost(l, node, "grpc_set_header");
    check_lost(l, node, "fastcgi_param");
    check_lost(l, node, "uwsgi_param");
    check_lost(l, node, "scgi_param");
}

/* A map that gives whatever came, which a list of origins does not. */
static bool
is_any_origin(const struct node *node, struct str value)
{
    const struct node *map = value.n > 1 ? flow_map(node, str_skip(value, 1)) : NULL;
    if (str_eq(value, STR("$http_origin")))
        return true;
    for (const struct node *line = map ? map->children : NULL; line; line = line->next) {
        struct str pattern = flow_pattern(line->words[0].text);
        bool any = node_is(line, "default") || (pattern.p && pattern_matches_all(pattern));
        if (any && str_eq(node_arg(line, 1), STR("$http_origin")))
            return true;
    }
    return false;
}

void
check_cors_reflection(struct lint *l, const struct node *node)
{
    if (!node_is(node, "add_header") ||
        !str_eq_nocase(node_arg(node, 1), STR("Access-Control-Allow-Origin")) ||
        !is_any_origin(node, node_arg(node, 2)))
        return;
    for (const struct node *other = node->parent->children; other; other = other->next)
        if (node_is(other, "add_header") && str_eq(node_arg(other, 2), STR("true")) &&
            str_eq_nocase(node_arg(other, 1), STR("Access-Control-Allow-Credentials")))
            lint_add(l, node_arg_span(node, 2), "every site may act with the user's cookies here");
}
