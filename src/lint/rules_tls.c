/* Protocols and ciphers that are broken. */
#include "lint/rules.h"
#include "lint/tree.h"

static bool
is_weak_protocol(struct str name)
{
    static const struct str weak[] = {
        { "SSLv2", 5 }, { "SSLv3", 5 }, { "TLSv1", 5 }, { "TLSv1.1", 7 }
    };
    for (unsigned i = 0; i < 4; i++)
        if (str_eq_nocase(name, weak[i]))
            return true;
    return false;
}

/* One name of an OpenSSL list, which "!" and "-" take out again, and "+" moves. */
static bool
is_weak_cipher(struct str name)
{
    static const struct str weak[] = { { "RC4", 3 },
                                       { "DES", 3 },
                                       { "MD5", 3 },
                                       { "NULL", 4 },
                                       { "EXPORT", 6 },
                                       { "EXP", 3 },
                                       { "aNULL", 5 },
                                       { "eNULL", 5 },
                                       { "LOW", 3 },
                                       { "IDEA", 4 },
                                       { "COMPLEMENTOFALL", 15 } };
    if (name.n == 0 || strchr("!-+", name.p[0]))
        return false;
    if (str_eq(name, STR("ALL")) || str_eq(name, STR("@SECLEVEL=0")))
        return true;
    for (struct str rest = name; rest.p;) {
        ptrdiff_t plus = str_find(rest, '+'), dash = str_find(rest, '-');
        struct str part = str_cut(&rest, plus >= 0 && (dash < 0 || plus < dash) ? '+' : '-');
        for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
            if (str_eq(part, weak[i]) || str_eq(part, STR("3DES")))
                return true;
    }
    return false;
}

static struct str
weak_in(struct str list)
{
    while (list.p) {
        struct str name = str_cut(&list, ':');
        if (is_weak_cipher(name))
            return name;
    }
    return STR_NONE;
}

/* What stands in http is for the servers with TLS that do not say it themselves; Debian's own file
 * has it for nobody. */
static bool
is_in_use(const struct node *node)
{
    const struct node *server = NULL;
    if (!node_is_any(node, "ssl_protocols ssl_ciphers") || node_is(node->parent, "server"))
        return true;
    while ((server = node_global(node, "server", server)) != NULL) {
        bool own = false;
        for (const struct node *line = server->children; line; line = line->next)
            own |= str_eq(line->words[0].text, node->words[0].text);
        if (!own && server_speaks_tls(server))
            return true;
    }
    return false;
}

void
check_weak_tls(struct lint *l, const struct node *node)
{
    bool protocols = node_is_any(node, "ssl_protocols proxy_ssl_protocols grpc_ssl_protocols "
                                       "uwsgi_ssl_protocols");
    bool ciphers =
        node_is_any(node, "ssl_ciphers proxy_ssl_ciphers grpc_ssl_ciphers uwsgi_ssl_ciphers");
    if ((!protocols && !ciphers) || !is_in_use(node))
        return;
    for (unsigned i = 1; i < node->n; i++) {
        struct str word = node_arg(node, i), weak = ciphers ? weak_in(word) : STR_NONE;
        if (protocols && is_weak_protocol(word))
            lint_add(l, node_arg_span(node, i), "\"" STR_FMT "\" is broken", STR_ARG(word));
        else if (weak.p)
            lint_add(l, node_arg_span(node, i), "\"" STR_FMT "\" brings broken ciphers",
                     STR_ARG(weak));
    }
}
