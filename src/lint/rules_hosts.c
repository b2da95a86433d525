/* Servers: the names they answer to, and their addresses. */
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

#define HOSTS "host http_host server_name ssl_server_name ssl_preread_server_name http_origin"

static bool
is_about_a_host(struct str pattern)
{
    return str_find_str(pattern, STR("\\.")) >= 0 || pattern_has_bare_dot(pattern);
}

static void
judge(struct lint *l, struct str pattern, struct span at)
{
    if (!is_about_a_host(pattern))
        return;
    if (pattern_has_bare_dot(pattern))
        lint_add(l, at, "a dot that is not escaped stands for any byte");
    else if (pattern_is_open_before(pattern))
        lint_add(l, at, "without \"^\" it matches longer names too, such as evil%s", "example.com");
    else if (pattern_is_open_after(pattern))
        lint_add(l, at, "without \"$\" it matches longer names too, such as example.com.evil.org");
}

/* "~regex" or "~*regex". */
static void
judge_word(struct lint *l, const struct node *node, unsigned i)
{
    struct str word = node_arg(node, i);
    if (!str_starts(word, STR("~")))
        return;
    word = str_skip(word, 1);
    judge(l, str_skip(word, str_starts(word, STR("*"))), node_arg_span(node, i));
}

static void
judge_condition(struct lint *l, const struct node *node)
{
    struct str op = node_arg(node, 2), pattern = node_arg(node, 3);
    if (!has_variable(node_arg(node, 1), HOSTS) || pattern.p == NULL || str_find(op, '~') < 0)
        return;
    if (!node->words[3].quoted && str_ends(pattern, STR(")")) && node->n == 4)
        pattern = str_head(pattern, pattern.n - 1);
    judge(l, pattern, node_arg_span(node, 3));
}

void
check_host_regex_anchor(struct lint *l, const struct node *node)
{
    if (node_is(node, "if"))
        judge_condition(l, node);
    if (node_is(node, "server_name"))
        for (unsigned i = 1; i < node->n; i++)
            judge_word(l, node, i);
    if (node_is(node, "map") && has_variable(node_arg(node, 1), HOSTS))
        for (const struct node *line = node->children; line; line = line->next)
            judge_word(l, line, 0);
}

void
check_plain_443(struct lint *l, const struct node *node)
{
    struct str address = node_arg(node, 1);
    if (!node_is(node, "listen") || node_has_arg(node, "ssl") || node_has_arg(node, "quic"))
        return;
    if (str_eq(address, STR("443")) || str_ends(address, STR(":443")))
        lint_add(l, node_arg_span(node, 1), "the HTTPS port speaks HTTP: \"ssl\" is missing");
}

static bool
listens_to_tls(const struct node *server)
{
    for (const struct node *node = server->children; node; node = node->next)
        if (node_is(node, "listen") && node_has_arg(node, "ssl"))
            return true;
    return false;
}

void
check_redirect_loop(struct lint *l, const struct node *node)
{
    struct str url = node_arg(node, node->n == 3 ? 2 : 1);
    bool itself = str_eq(url, STR("https://$host$request_uri")) ||
                  str_eq(url, STR("https://$server_name$request_uri")) ||
                  str_eq(url, STR("https://$http_host$request_uri"));
    if (node_is(node, "return") && itself && node_is(node->parent, "server") &&
        listens_to_tls(node->parent))
        lint_add(l, node_arg_span(node, node->n - 1),
                 "HTTPS requests are redirected to themselves");
}
