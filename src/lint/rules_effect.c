/* Directives that wait for another one, which is not there. */
#include "lint/rules.h"
#include "lint/tree.h"

/* Anywhere in a block, or in the blocks in it. */
static bool
holds(const struct node *block, const char *names)
{
    for (const struct node *node = block->children; node; node = node->next)
        if (node_is_any(node, names) || (!node_is_table(node) && holds(node, names)))
            return true;
    return false;
}

static bool
is_used_around(const struct node *node, const char *names)
{
    return node_in_force(node->parent, names) || holds(node->parent, names);
}

/* "zone=NAME:SIZE" of a zone's directive. */
static struct str
zone_of(const struct node *node)
{
    for (unsigned i = 1; i < node->n; i++)
        if (str_starts(node_arg(node, i), STR("zone="))) {
            struct str rest = str_skip(node_arg(node, i), 5);
            return str_cut(&rest, ':');
        }
    return STR_NONE;
}

/* "limit_req zone=NAME", "limit_conn NAME". */
static bool
limits_by(const struct node *block, const char *directive, struct str zone)
{
    for (const struct node *node = block->children; node; node = node->next) {
        bool named = str_eq(zone_of(node), zone) || str_eq(node_arg(node, 1), zone);
        if (node_is(node, directive) ? named : limits_by(node, directive, zone))
            return true;
    }
    return false;
}

static void
check_zone(struct lint *l, const struct node *node, const char *directive)
{
    struct str zone = zone_of(node);
    const struct node *root = node;
    while (root->parent)
        root = root->parent;
    if (zone.n && !limits_by(root, directive, zone))
        lint_add(l, node_span(node), "nothing is limited: no \"%s\" names the zone \"" STR_FMT "\"",
                 directive, STR_ARG(zone));
}

void
check_no_effect_here(struct lint *l, const struct node *node)
{
    if (node_is(node, "limit_req_zone"))
        check_zone(l, node, "limit_req");
    else if (node_is(node, "limit_conn_zone"))
        check_zone(l, node, "limit_conn");
    else if (node_is(node, "auth_basic_user_file") && !is_used_around(node, "auth_basic"))
        lint_add(l, node_span(node), "nobody is asked for a password: there is no \"auth_basic\"");
    else if (node_is(node, "real_ip_header") && !is_used_around(node, "set_real_ip_from"))
        lint_add(l, node_span(node),
                 "the field is never looked at: there is no \"set_real_ip_from\"");
    else if (node_is(node, "ssl_certificate") && node_is(node->parent, "server") &&
             !server_speaks_tls(node->parent))
        lint_add(l, node_span(node), "no address of this server speaks TLS: \"ssl\" is missing");
}
