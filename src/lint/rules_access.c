/* Who may ask: rules that never act, and addresses that clients choose. */
#include "lint/rules.h"
#include "lint/tree.h"

#define GUARDS   "allow deny auth_basic auth_request limit_req limit_conn"
#define HANDLERS "proxy_pass fastcgi_pass grpc_pass uwsgi_pass scgi_pass memcached_pass try_files"
#define REWRITES "rewrite set if return break"

static bool
is_off(const struct node *node)
{
    return node_has_arg(node, "off");
}

void
check_return_bypasses_access(struct lint *l, const struct node *node)
{
    if (!node_is(node, "return") || !node_is_any(node->parent, "server location"))
        return;
    for (const struct node *guard = node->parent->children; guard; guard = guard->next)
        if (node_is_any(guard, GUARDS) && !is_off(guard)) {
            lint_add(l, node_span(guard),
                     "\"" STR_FMT "\" never acts: the \"return\" in line %u answers before it",
                     STR_ARG(guard->words[0].text), node_span(node).line);
            return;
        }
}

void
check_after_return(struct lint *l, const struct node *node)
{
    if (!node_is(node, "return") || !node_is_any(node->parent, "server location if"))
        return;
    const struct node *dead = node_after(node, REWRITES);
    if (dead == NULL && node_is_any(node->parent, "server location"))
        dead = node_child(node->parent, HANDLERS);
    if (dead == NULL && node_is(node->parent, "server"))
        dead = node_child(node->parent, "location");
    if (dead)
        lint_add(l, node_span(dead),
                 "\"" STR_FMT "\" is never reached: \"return\" in line %u is first",
                 STR_ARG(dead->words[0].text), node_span(node).line);
}

void
check_allow_without_deny(struct lint *l, const struct node *node)
{
    if (!node_is(node, "allow") || node_has_arg(node, "all") || node_child(node->parent, "deny") ||
        node_child(node->parent, "allow") != node)
        return;
    lint_add(l, node_span(node), "\"allow\" without \"deny\" keeps nobody out");
}

void
check_rule_after_all(struct lint *l, const struct node *node)
{
    if (!node_is_any(node, "allow deny") || !node_has_arg(node, "all"))
        return;
    const struct node *dead = node_after(node, "allow deny");
    if (dead)
        lint_add(l, node_span(dead),
                 "this rule is never asked: \"" STR_FMT " all\" in line %u is first",
                 STR_ARG(node->words[0].text), node_span(node).line);
}

/* The word of a directive that decides on somebody by it; 0: none does. */
static unsigned
deciding_word(const struct node *node)
{
    if (node_is_any(node, "limit_req_zone limit_conn_zone geo hash if"))
        return 1;
    bool real_ip =
        node_is(node, "proxy_set_header") && str_eq_nocase(node_arg(node, 1), STR("X-Real-IP"));
    return real_ip ? 2 : 0;
}

void
check_spoofable_forwarded_for(struct lint *l, const struct node *node)
{
    bool everybody = node_has_arg(node, "0.0.0.0/0") || node_has_arg(node, "::/0");
    if (node_is(node, "set_real_ip_from") && everybody)
        lint_add(l, node_arg_span(node, 1), "every client may say which address it comes from");
    unsigned word = deciding_word(node);
    if (word == 0 || (node_is(node, "geo") && node->n < 3))
        return;
    for (; word < node->n; word++)
        if (has_variable(node->words[word].text, "http_x_forwarded_for http_x_real_ip"))
            lint_add(l, node_arg_span(node, word), "this is what the client claims to be");
}
