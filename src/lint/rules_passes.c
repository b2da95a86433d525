/* What a backend is asked for, and whom a request goes to. */
#include "lint/flow.h"
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
    return str_is_among(name, STR("host uri document_uri request_uri args query_string "
                                  "ssl_server_name")) ||
           str_starts(name, STR("http_")) || str_starts(name, STR("arg_")) ||
           str_starts(name, STR("cookie_"));
}

/* A group that begins with a slash is no part of the host. */
static bool
may_be_a_host(struct str group)
{
    return pattern_varies(group) && !pattern_begins_with_slash(group);
}

static bool
may_leave_the_domain(struct str group)
{
    return pattern_is_wide(group) && !pattern_begins_with_slash(group);
}

/* What follows the host at once and begins with a slash is no part of it. */
static struct str
without_path_variables(struct str host)
{
    static const struct str paths[] = {
        { "$request_uri", 12 }, { "$uri", 4 }, { "$document_uri", 13 }, { "$is_args", 8 }
    };
    for (unsigned i = 0; i < 4; i++) {
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
    struct str host = without_path_variables(host_of(node_arg(node, 1)));
    const struct node *location = node_enclosing(node, "location");
    struct flow f = { is_chosen_by_client, may_be_a_host,
                      location && node_child(location, "internal"), may_leave_the_domain };
    if (flow_reaches(node, host, &f))
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

static bool
is_decoded(struct str name)
{
    return str_is_among(name, STR("uri document_uri request_filename fastcgi_script_name "
                                  "fastcgi_path_info"));
}

void
check_http_splitting(struct lint *l, const struct node *node)
{
    static const struct flow f = { is_decoded, pattern_has_lines, false, NULL };
    bool field = node_is_any(node, "add_header add_trailer proxy_set_header grpc_set_header "
                                   "more_set_headers more_set_input_headers proxy_pass");
    if (!field && !is_redirect(node))
        return;
    for (unsigned i = node_is(node, "rewrite") ? 2 : 1; i < node->n; i++)
        if (flow_reaches(node, node_arg(node, i), &f)) {
            lint_add(l, node_arg_span(node, i),
                     "a decoded path may hold line breaks: clients could add fields");
            return;
        }
}

static const struct node *
find_group(const struct node *anywhere, struct str name)
{
    const struct node *group = NULL;
    while ((group = node_global(anywhere, "upstream", group)) != NULL)
        if (str_eq(node_arg(group, 1), name))
            break;
    return group;
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
        node_is(node, "proxy_pass") && node->n == 2 ? find_group(node, host) : NULL;
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
        str_starts(rest, STR("unix:")))
        return;
    struct place p = place_of(node->parent);
    struct str uri = str_skip(rest, (size_t)slash);
    if (str_find(url, '$') >= 0) {
        if (place_is_prefix(&p) && str_find(uri, '$') < 0 && str_ends(uri, STR("/")))
            lint_add(l, node_arg_span(node, 1),
                     "with a variable, every request asks for \"" STR_FMT "\"", STR_ARG(uri));
        return;
    }
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
