/* Servers: the names they answer to, and their addresses. */
#include "lint/flow.h"
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

static void
judge_word(struct lint *l, const struct node *node, unsigned i)
{
    struct str pattern = flow_pattern(node_arg(node, i));
    if (pattern.p)
        judge(l, pattern, node_arg_span(node, i));
}

/* Hosts that are turned away may be too many. */
static bool
turns_away(const struct node *condition)
{
    const struct node *answer = node_child(condition, "return");
    bool refused = answer && strchr("45", node_arg(answer, 1).p[0]);
    return refused && str_find(node_arg(condition, 2), '!') < 0;
}

static void
judge_condition(struct lint *l, const struct node *node)
{
    struct str pattern = flow_condition(node);
    if (pattern.p && has_variable(node_arg(node, 1), HOSTS) && !turns_away(node))
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

static bool
is_name(struct str name)
{
    static const char odd[] = "/,^|\\()";
    for (size_t i = 0; i < name.n; i++)
        if (strchr(odd, name.p[i]))
            return false;
    ptrdiff_t colon = str_find(name, ':');
    return colon < 0 || str_find(str_skip(name, (size_t)colon + 1), ':') >= 0; /* IPv6 */
}

void
check_impossible_server_name(struct lint *l, const struct node *node)
{
    for (unsigned i = 1; node_is(node, "server_name") && i < node->n; i++) {
        struct str name = node_arg(node, i);
        if (!str_starts(name, STR("~")) && !is_name(name))
            lint_add(l, node_arg_span(node, i), "no request has this host");
    }
}

static bool
listens_at(const struct node *server, struct str address, const char *parameter)
{
    for (const struct node *node = server->children; node; node = node->next)
        if (node_is(node, "listen") && node_has_arg(node, parameter) &&
            (address.p == NULL || str_eq(node_arg(node, 1), address)))
            return true;
    return false;
}

/* ssl is the address's: what one server says holds for all that listen there. */
static bool
speaks_tls(const struct node *listen)
{
    const struct node *server = NULL;
    while ((server = node_global(listen, "server", server)) != NULL)
        if (listens_at(server, node_arg(listen, 1), "ssl") ||
            listens_at(server, node_arg(listen, 1), "quic"))
            return true;
    return false;
}

bool
server_speaks_tls(const struct node *server)
{
    for (const struct node *node = server->children; node; node = node->next)
        if (node_is(node, "listen") && speaks_tls(node))
            return true;
    return false;
}

static bool
has_port(struct str address, const char *port)
{
    return str_eq(address, str_of(port)) ||
           (str_ends(address, str_of(port)) && address.n > strlen(port) &&
            address.p[address.n - strlen(port) - 1] == ':');
}

void
check_plain_443(struct lint *l, const struct node *node)
{
    if (node_is(node, "listen") && has_port(node_arg(node, 1), "443") && !speaks_tls(node))
        lint_add(l, node_arg_span(node, 1), "the HTTPS port speaks HTTP: \"ssl\" is missing");
}

/* The host of a redirect that changes nothing but it: "https://HOST$request_uri". */
static struct str
host_of_redirect(struct str url, struct str scheme)
{
    struct str path = STR("$request_uri");
    if (!str_starts(url, scheme) || !str_ends(url, path) || url.n < scheme.n + path.n)
        return STR_NONE;
    return str_between(url.p + scheme.n, url.p + url.n - path.n);
}

static bool
is_own_host(const struct node *server, struct str host)
{
    if (host.p && str_is_among(host, STR("$host $server_name $http_host")))
        return true;
    for (const struct node *names = node_child(server, "server_name"); names;
         names = node_after(names, "server_name"))
        for (unsigned i = 1; host.p && i < names->n; i++)
            if (str_eq(node_arg(names, i), host))
                return true;
    return false;
}

/* Does the redirect come back to an address of this server? $http_host brings its port along. */
static bool
comes_back(const struct node *server, struct str url, bool tls)
{
    struct str host = host_of_redirect(url, tls ? STR("https://") : STR("http://"));
    if (host.p == NULL)
        host = host_of_redirect(url, STR("$scheme://"));
    if (!is_own_host(server, host))
        return false;
    const struct node *listen = node_child(server, "listen");
    if (listen == NULL)
        return !tls;
    for (; listen; listen = node_after(listen, "listen")) {
        struct str address = node_arg(listen, 1);
        bool any = str_eq(host, STR("$http_host"));
        bool no_port = str_find(address, ':') < 0 && str_find(address, '.') >= 0;
        if (speaks_tls(listen) == tls &&
            (any || has_port(address, tls ? "443" : "80") || (no_port && !tls)))
            return true;
    }
    return false;
}

static bool
is_for_all(const struct node *location)
{
    return node_is(location, "location") && location->n == 2 &&
           str_eq(node_arg(location, 1), STR("/"));
}

void
check_redirect_loop(struct lint *l, const struct node *node)
{
    const struct node *server = is_for_all(node->parent) ? node->parent->parent : node->parent;
    struct str url = node_arg(node, node->n == 3 ? 2 : 1);
    if (!node_is(node, "return") || !node_is(server, "server"))
        return;
    if (comes_back(server, url, true) || comes_back(server, url, false))
        lint_add(l, node_arg_span(node, node->n - 1), "requests are redirected to themselves");
}
