/* Socket addresses as text and back.
 *
 * Only literals are read here: whatever is not one is a name, and names are resolve.h's. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool
parse_port(struct str text, int *out)
{
    uint64_t port;
    if (!str_to_u64(text, 65535, &port) || port == 0)
        return false;
    *out = (int)port;
    return true;
}

static bool
split_bracketed(struct str text, struct str *host, int *port_out)
{
    ptrdiff_t end = str_find(text, ']');
    if (end < 2)
        return false;
    *host = str_between(text.p + 1, text.p + end);
    struct str rest = str_skip(text, (size_t)end + 1);
    return rest.n == 0 || (rest.p[0] == ':' && parse_port(str_skip(rest, 1), port_out));
}

bool
address_split(struct str text, struct str *host, int *port_out)
{
    *port_out = -1;
    if (text.n && text.p[0] == '[')
        return split_bracketed(text, host, port_out);
    ptrdiff_t colon = str_find(text, ':');
    *host = colon < 0 ? text : str_head(text, (size_t)colon);
    if (host->n == 0)
        return false;
    return colon < 0 || parse_port(str_skip(text, (size_t)colon + 1), port_out);
}

static bool
parse_unix(struct str path, struct address *out)
{
    if (path.n == 0 || path.n >= sizeof out->un.sun_path || memchr(path.p, '\0', path.n))
        return false;
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, path.p, path.n);
    out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
    return true;
}

static bool
parse_host(struct str host, bool bracketed, struct address *out)
{
    char text[INET6_ADDRSTRLEN];
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (bracketed) {
        out->v6.sin6_family = AF_INET6;
        out->size = sizeof out->v6;
        return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
    }
    out->v4.sin_family = AF_INET;
    out->size = sizeof out->v4;
    return inet_pton(AF_INET, text, &out->v4.sin_addr) == 1;
}

bool
address_parse(struct str text, unsigned default_port, struct address *out)
{
    *out = (struct address){ 0 };
    if (str_starts_nocase(text, STR("unix:")))
        return parse_unix(str_skip(text, 5), out);
    struct str host;
    int port;
    if (!address_split(text, &host, &port) || !parse_host(host, text.p[0] == '[', out))
        return false;
    address_set_port(out, port < 0 ? default_port : (unsigned)port);
    return true;
}

static size_t
print_unix(const struct address *a, bool path, char *out)
{
    size_t n = a->size - offsetof(struct sockaddr_un, sun_path);
    n = a->size <= offsetof(struct sockaddr_un, sun_path) ? 0 : strnlen(a->un.sun_path, n);
    return (size_t)snprintf(out, ADDRESS_TEXT_MAX, "unix:%.*s", path ? (int)n : 0, a->un.sun_path);
}

size_t
address_print(const struct address *a, bool port, char out[ADDRESS_TEXT_MAX])
{
    if (a->any.sa_family == AF_UNIX)
        return print_unix(a, port, out);
    bool v6 = a->any.sa_family == AF_INET6;
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? (void *)&a->v6.sin6_addr : (void *)&a->v4.sin_addr,
              host, sizeof host);
    if (!port)
        return (size_t)snprintf(out, ADDRESS_TEXT_MAX, "%s", host);
    return (size_t)snprintf(out, ADDRESS_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", host, address_port(a));
}

struct str
address_text(const struct address *a, bool port, struct arena *arena)
{
    char text[ADDRESS_TEXT_MAX];
    size_t n = address_print(a, port, text);
    return arena_dup(arena, (struct str){ text, n });
}

unsigned
address_port(const struct address *a)
{
    if (a->any.sa_family == AF_INET)
        return ntohs(a->v4.sin_port);
    return a->any.sa_family == AF_INET6 ? ntohs(a->v6.sin6_port) : 0;
}

void
address_set_port(struct address *a, unsigned port)
{
    if (a->any.sa_family == AF_INET)
        a->v4.sin_port = htons((uint16_t)port);
    else if (a->any.sa_family == AF_INET6)
        a->v6.sin6_port = htons((uint16_t)port);
}

/* What makes two addresses the same: flow label and padding do not count. */
static struct str
identity(const struct address *a)
{
    if (a->any.sa_family == AF_INET)
        return (struct str){ (const char *)&a->v4.sin_addr, sizeof a->v4.sin_addr };
    if (a->any.sa_family == AF_INET6)
        return (struct str){ (const char *)&a->v6.sin6_addr, sizeof a->v6.sin6_addr };
    return (struct str){ a->un.sun_path, strnlen(a->un.sun_path, sizeof a->un.sun_path) };
}

bool
address_equal(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family || address_port(a) != address_port(b))
        return false;
    if (a->any.sa_family == AF_INET6 && a->v6.sin6_scope_id != b->v6.sin6_scope_id)
        return false;
    return str_eq(identity(a), identity(b));
}

uint64_t
address_hash(const struct address *a)
{
    return str_hash(identity(a)) + address_port(a) * UINT64_C(0x9E3779B97F4A7C15);
}
