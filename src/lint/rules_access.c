/* Who may ask: rules that never act, and addresses that clients choose. */
#include "lint/flow.h"
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

#define GUARDS   "allow deny auth_basic auth_request limit_req limit_conn"
#define HANDLERS "proxy_pass fastcgi_pass grpc_pass uwsgi_pass scgi_pass memcached_pass try_files"
#define REWRITES "rewrite set if return break"
#define CLAIMS                                                                                 \
    "http_x_forwarded_for http_x_real_ip http_x_client_ip http_client_ip http_true_client_ip " \
    "http_forwarded proxy_add_x_forwarded_for"

static bool
is_off(const struct node *node)
{
    return node_has_arg(node, "off");
}

/* "return 404" keeps everybody out as well. */
static bool
is_refusal(const struct node *node)
{
    struct str code = node_arg(node, 1);
    return code.n == 3 && (code.p[0] == '4' || code.p[0] == '5');
}

void
check_return_bypasses_access(struct lint *l, const struct node *node)
{
    if (!node_is(node, "return") || is_refusal(node) ||
        !node_is_any(node->parent, "server location"))
        return;
    for (const struct node *guard = node->parent->children; guard; guard = guard->next)
        if (node_is_any(guard, GUARDS) && !is_off(guard)) {
            lint_add(l, node_span(guard),
                     "\"" STR_FMT "\" never acts: the \"return\" in " STR_FMT " answers before it",
                     STR_ARG(guard->words[0].text), STR_ARG(node_place(l, node, guard)));
            return;
        }
}

/* rewrite to another host for every path is a return, too. */
static bool
answers_all(const struct node *node)
{
    if (!node_is(node, "rewrite"))
        return node_is(node, "return");
    bool redirect = node_has_arg(node, "permanent") || node_has_arg(node, "redirect") ||
                    str_starts(node_arg(node, 2), STR("http"));
    return redirect && pattern_matches_all(node_arg(node, 1));
}

/* error_page leads into named locations all the same. */
static const struct node *
first_location(const struct node *server)
{
    for (const struct node *node = server->children; node; node = node->next)
        if (node_is(node, "location") && !str_starts(node_arg(node, 1), STR("@")))
            return node;
    return NULL;
}

void
check_after_return(struct lint *l, const struct node *node)
{
    if (!answers_all(node) || !node_is_any(node->parent, "server location if"))
        return;
    const struct node *dead = node_after(node, REWRITES);
    if (dead == NULL && node_is_any(node->parent, "server location"))
        dead = node_child(node->parent, HANDLERS);
    if (dead == NULL && node_is(node->parent, "server"))
        dead = first_location(node->parent);
    if (dead)
        lint_add(l, node_span(dead),
                 "\"" STR_FMT "\" is never reached: \"" STR_FMT "\" in " STR_FMT " is first",
                 STR_ARG(dead->words[0].text), STR_ARG(node->words[0].text),
                 STR_ARG(node_place(l, node, dead)));
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
                 "this rule is never asked: \"" STR_FMT " all\" in " STR_FMT " is first",
                 STR_ARG(node->words[0].text), STR_ARG(node_place(l, node, dead)));
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

static bool
is_claim(struct str name)
{
    return str_is_among(name, STR(CLAIMS));
}

void
check_spoofable_forwarded_for(struct lint *l, const struct node *node)
{
    static const struct flow f = { is_claim, pattern_varies, false, NULL };
    bool everybody = node_has_arg(node, "0.0.0.0/0") || node_has_arg(node, "::/0");
    if (node_is(node, "set_real_ip_from") && everybody)
        lint_add(l, node_arg_span(node, 1), "every client may say which address it comes from");
    unsigned word = deciding_word(node);
    if (word == 0 || (node_is(node, "geo") && node->n < 3))
        return;
    for (; word < node->n; word++)
        if (flow_reaches(node, node_arg(node, word), &f))
            lint_add(l, node_arg_span(node, word), "this is what the client claims to be");
}
