/* What a backend is asked for, and whom a request goes to. */
#include "lint/pattern.h"
#include "lint/rules.h"
#include "lint/tree.h"

#define PASSES "proxy_pass grpc_pass fastcgi_pass uwsgi_pass scgi_pass memcached_pass"

/* "http://" of an URL, without which all is the host. */
static struct str
without_scheme(struct str url)
{
    ptrdiff_t at = str_find_str(url, STR("://"));
    return at < 0 ? url : str_skip(url, (size_t)at + 3);
}

static struct str
host_of(struct str url)
{
    struct str rest = without_scheme(url);
    return str_cut(&rest, '/');
}

static bool
is_chosen_by_client(struct str name)
{
    static const struct str names[] = { { "host", 4 },          { "uri", 3 },
                                        { "document_uri", 12 }, { "request_uri", 11 },
                                        { "args", 4 },          { "query_string", 12 } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, names[i]))
            return true;
    return str_starts(name, STR("http_")) || str_starts(name, STR("arg_")) ||
           str_starts(name, STR("cookie_"));
}

/* Does a location around have a group, of that name or any number, that holds what clients write?
 */
static bool
is_captured(const struct node *node, struct str name, struct lint *l)
{
    const struct node *location = node_enclosing(node, "location");
    if (location == NULL)
        return false;
    struct place p = place_of(location);
    bool number = name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9';
    struct str group = arena_printf(l->arena, "<" STR_FMT ">", STR_ARG(name));
    return place_is_regex(&p) && (number || str_find_str(p.name, group) >= 0) &&
           pattern_captures_anything(p.name);
}

static bool is_tainted(struct lint *l, const struct node *node, struct str text, unsigned hops);

/* Did a "set" around the directive take it from the client? */
static bool
is_set_by_client(struct lint *l, const struct node *node, struct str name, unsigned hops)
{
    for (const struct node *block = node->parent; block && hops; block = block->parent)
        for (const struct node *set = block->children; set; set = set->next) {
            struct str variable = node_arg(set, 1);
            if (node_is(set, "set") && variable.n && str_eq(str_skip(variable, 1), name) &&
                is_tainted(l, set, node_arg(set, 2), hops - 1))
                return true;
        }
    return false;
}

static bool
is_tainted(struct lint *l, const struct node *node, struct str text, unsigned hops)
{
    struct str name;
    while (next_variable(&text, &name))
        if (is_chosen_by_client(name) || is_captured(node, name, l) ||
            is_set_by_client(l, node, name, hops))
            return true;
    return false;
}

/* What follows the host at once and begins with a slash is no part of it. */
static struct str
without_path_variables(struct str host)
{
    static const struct str paths[] = { { "$request_uri", 12 },
                                        { "$uri", 4 },
                                        { "$document_uri", 13 } };
    for (unsigned i = 0; i < 3; i++) {
        ptrdiff_t at = str_find_str(host, paths[i]);
        if (at > 0)
            host = str_head(host, (size_t)at);
    }
    return host;
}

void
check_proxy_pass_variable(struct lint *l, const struct node *node)
{
    if (!node_is_any(node, PASSES) || node->n != 2)
        return;
    if (is_tainted(l, node, without_path_variables(host_of(node_arg(node, 1))), 3))
        lint_add(l, node_arg_span(node, 1), "clients choose the host that is asked");
}

static bool
is_redirect(const struct node *node)
{
    if (node_is(node, "rewrite"))
        return str_starts(node_arg(node, 2), STR("http")) || node_has_arg(node, "redirect") ||
               node_has_arg(node, "permanent");
    return node_is(node, "return") && (node->n == 2 || str_starts(node_arg(node, 1), STR("30")));
}

/* A number of a location's group that may hold line breaks; rewrite escapes its own. */
static bool
has_line_capture(const struct node *node, struct str text)
{
    const struct node *location = node_enclosing(node, "location");
    if (location == NULL || !node_is(node, "return") || !has_variable(text, "1 2 3 4 5 6 7 8 9"))
        return false;
    struct place p = place_of(location);
    return place_is_regex(&p) && pattern_captures_lines(p.name);
}

void
check_http_splitting(struct lint *l, const struct node *node)
{
    bool field = node_is_any(node, "add_header add_trailer proxy_set_header grpc_set_header "
                                   "more_set_headers more_set_input_headers proxy_pass");
    if (!field && !is_redirect(node))
        return;
    for (unsigned i = 1; i < node->n; i++) {
        struct str text = node_arg(node, i);
        if (node_is(node, "rewrite") && i == 1)
            continue;
        if (has_variable(text, "uri document_uri") || has_line_capture(node, text)) {
            lint_add(l, node_arg_span(node, i),
                     "a decoded path may hold line breaks: clients could add fields");
            return;
        }
    }
}

static const struct node *
root_of(const struct node *node)
{
    while (node->parent)
        node = node->parent;
    return node;
}

static const struct node *
find_group(const struct node *block, struct str name)
{
    for (const struct node *node = block->children; node; node = node->next) {
        if (node_is(node, "upstream") && str_eq(node_arg(node, 1), name))
            return node;
        const struct node *found = node_is(node, "http") ? find_group(node, name) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static bool
is_numeric(struct str server)
{
    for (size_t i = 0; i < server.n; i++)
        if (!strchr("0123456789.:[]abcdefABCDEF", server.p[i]))
            return false;
    return true;
}

/* Servers that are named are most likely asked by name. */
static bool
has_named_server(const struct node *group)
{
    for (const struct node *node = group->children; node; node = node->next) {
        struct str server = node_arg(node, 1);
        if (node_is(node, "server") && !is_numeric(server) && str_find(server, '.') >= 0 &&
            !str_starts(server, STR("unix:")))
            return true;
    }
    return false;
}

static bool
sets_host(const struct node *block)
{
    const struct node *first = node_in_force(block, "proxy_set_header");
    for (const struct node *node = first; node; node = node->next)
        if (node_is(node, "proxy_set_header") && str_eq_nocase(node_arg(node, 1), STR("Host")))
            return true;
    return false;
}

void
check_missing_host_header(struct lint *l, const struct node *node)
{
    struct str url = node_arg(node, 1), host = host_of(url);
    const struct node *group =
        node_is(node, "proxy_pass") && node->n == 2 ? find_group(root_of(node), host) : NULL;
    if (group == NULL || str_find(host, '.') >= 0 || sets_host(node->parent))
        return;
    if (has_named_server(group) || str_starts(url, STR("https://")))
        lint_add(l, node_arg_span(node, 1), "the servers are asked for the host \"" STR_FMT "\"",
                 STR_ARG(host));
}

void
check_proxy_pass_uri(struct lint *l, const struct node *node)
{
    struct str url = node_arg(node, 1), rest = without_scheme(url);
    ptrdiff_t slash = str_find(rest, '/');
    if (!node_is(node, "proxy_pass") || !node_is(node->parent, "location") || slash < 0 ||
        str_find(url, '$') >= 0 || str_starts(rest, STR("unix:")))
        return;
    struct place p = place_of(node->parent);
    struct str uri = str_skip(rest, (size_t)slash);
    if (!place_is_prefix(&p) || p.name.n == 0 || str_eq(uri, p.name) || str_find(uri, '?') >= 0)
        return;
    bool from = str_ends(p.name, STR("/")), to = str_ends(uri, STR("/"));
    if (from && !to)
        lint_add(l, node_arg_span(node, 1), "\"" STR_FMT "x\" becomes \"" STR_FMT "x\"",
                 STR_ARG(p.name), STR_ARG(uri));
    else if (!from && to)
        lint_add(l, node_arg_span(node, 1), "\"" STR_FMT "/x\" becomes \"" STR_FMT "/x\"",
                 STR_ARG(p.name), STR_ARG(uri));
}
