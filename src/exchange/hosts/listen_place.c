/* Addresses to listen on: literals, names, ranges of ports. */
#include "exchange/hosts/listen_place.h"

#include <netdb.h>

enum { DEFAULT_PORT = 80, ADDRESSES_MAX = 16 };

struct ports {
    unsigned first, last;
};

static bool
refuse(struct setting *s, unsigned word, const char *what)
{
    return setting_error(s, word, "%s \"" STR_FMT "\" of the \"listen\" directive", what,
                         STR_ARG(setting_arg(s, word)));
}

/* "80" or "8000-8010". */
static bool
parse_ports(struct str text, struct ports *out)
{
    uint64_t first, last;
    struct str rest = text, one = str_cut(&rest, '-');
    if (!str_to_u64(one, 65535, &first) || first == 0)
        return false;
    last = first;
    if (rest.p && (!str_to_u64(rest, 65535, &last) || last < first))
        return false;
    *out = (struct ports){ (unsigned)first, (unsigned)last };
    return true;
}

static bool
is_port(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '-' && (text.p[i] < '0' || text.p[i] > '9'))
            return false;
    return text.n > 0;
}

/* Cuts the ports off: what is before the last colon that is not in brackets. */
static struct str
cut_ports(struct str text, struct str *ports)
{
    *ports = STR_NONE;
    if (is_port(text)) {
        *ports = text;
        return STR("*");
    }
    for (size_t i = text.n; i > 0 && text.p[i - 1] != ']'; i--)
        if (text.p[i - 1] == ':') {
            *ports = str_skip(text, i);
            return str_head(text, i - 1);
        }
    return text;
}

static unsigned
look_up(struct compile *c, struct str host, struct address *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *list;
    unsigned n = 0;
    if (getaddrinfo(arena_dup(c->arena, host).p, NULL, &hints, &list) != 0)
        return 0;
    for (const struct addrinfo *i = list; i && n < ADDRESSES_MAX; i = i->ai_next) {
        out[n] = (struct address){ .size = i->ai_addrlen };
        memcpy(&out[n].any, i->ai_addr, i->ai_addrlen);
        n++;
    }
    freeaddrinfo(list);
    return n;
}

static unsigned
addresses_of(struct compile *c, struct str host, struct address *out)
{
    if (str_eq(host, STR("*")))
        host = STR("0.0.0.0");
    return address_parse(host, DEFAULT_PORT, &out[0]) ? 1 : look_up(c, host, out);
}

static void
multiply(struct compile *c, const struct address *hosts, unsigned n, struct ports ports,
         struct listen_place *out)
{
    out->v = arena_array(c->arena, struct address, n * (ports.last - ports.first + 1));
    out->n = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned port = ports.first; port <= ports.last; port++) {
            out->v[out->n] = hosts[i];
            address_set_port(&out->v[out->n++], port);
        }
}

static bool
parse_unix(struct setting *s, unsigned word, struct listen_place *out)
{
    out->v = arena_new(s->compile->arena, struct address);
    out->n = 1;
    if (setting_arg(s, word).n == 5)
        return refuse(s, word, "no path in the unix domain socket in");
    return address_parse(setting_arg(s, word), 0, out->v) ||
           refuse(s, word, "too long path in the unix domain socket in");
}

bool
listen_place_parse(struct setting *s, unsigned word, struct listen_place *out)
{
    struct address hosts[ADDRESSES_MAX];
    struct ports ports = { DEFAULT_PORT, DEFAULT_PORT };
    struct str text = setting_arg(s, word), port_text, host = cut_ports(text, &port_text);
    if (str_starts(text, STR("unix:")))
        return parse_unix(s, word, out);
    if (port_text.p && !parse_ports(port_text, &ports))
        return refuse(s, word, "invalid port in");
    if (host.n == 0) {
        refuse(s, word, "no host in");
        setting_hint(s, "for all addresses write the port alone: " STR_FMT, STR_ARG(port_text));
        return false;
    }
    if (str_find(text, '/') >= 0) {
        refuse(s, word, "invalid host in");
        setting_hint(s, "an address has neither scheme nor path");
        return false;
    }
    if (host.p[0] != '[' && str_find(host, ':') >= 0) {
        refuse(s, word, "invalid port in");
        setting_hint(s, "an IPv6 address stands in brackets: [::]:80");
        return false;
    }
    if (host.p[0] == '[' && !str_ends(host, STR("]")))
        return refuse(s, word, "invalid host in");
    unsigned n = addresses_of(s->compile, host, hosts);
    if (n == 0)
        return refuse(s, word, host.p[0] == '[' ? "invalid IPv6 address in" : "host not found in");
    multiply(s->compile, hosts, n, ports, out);
    return true;
}
