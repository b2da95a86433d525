/* resolver ADDRESS… [valid=TIME] [ipv4=on|off] [ipv6=on|off] [status_zone=NAME]
 *
 * A name server given by name is looked up while the configuration is read, as nginx does: there is
 * nobody else to ask yet. */
#include "upstream/resolver.h"

#include <netdb.h>

static bool
parse_family(struct setting *s, unsigned i, struct str value, bool *out)
{
    *out = str_eq(value, STR("on"));
    if (*out || str_eq(value, STR("off")))
        return true;
    return setting_error(s, i, "invalid parameter: " STR_FMT, STR_ARG(setting_arg(s, i)));
}

/* 1: understood; 0: not a parameter; -1: reported. */
static int
parse_parameter(struct setting *s, unsigned i, struct resolver_settings *out)
{
    struct str value;
    if (setting_parameter(s, i, STR("valid"), &value)) {
        if (parse_msec(value, &out->valid_ms))
            return 1;
        setting_error(s, i, "invalid parameter: " STR_FMT, STR_ARG(setting_arg(s, i)));
        return -1;
    }
    if (setting_parameter(s, i, STR("ipv4"), &value))
        return parse_family(s, i, value, &out->ipv4) ? 1 : -1;
    if (setting_parameter(s, i, STR("ipv6"), &value))
        return parse_family(s, i, value, &out->ipv6) ? 1 : -1;
    return setting_parameter(s, i, STR("status_zone"), &value);
}

static unsigned
look_up(struct setting *s, struct str host, unsigned port, struct address *room, unsigned max)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG }, *found;
    struct str name = arena_dup(s->compile->arena, host);
    unsigned n = 0;
    if (getaddrinfo(name.p, NULL, &hints, &found) != 0)
        return 0;
    for (struct addrinfo *i = found; i && n < max; i = i->ai_next) {
        struct address *a = &room[n++];
        *a = (struct address){ .size = i->ai_addrlen };
        memcpy(&a->any, i->ai_addr, i->ai_addrlen);
        address_set_port(a, port);
    }
    freeaddrinfo(found);
    return n;
}

enum { ADDRESSES_A_NAME = 4 };

static bool
add_server(struct setting *s, unsigned i, struct resolver_settings *out, struct address *room)
{
    struct str host, text = setting_arg(s, i);
    int port;
    if (address_parse(text, 53, room) && room->any.sa_family != AF_UNIX) {
        out->n_servers++;
        return true;
    }
    if (!address_split(text, &host, &port))
        return setting_error(s, i, "invalid port in resolver \"" STR_FMT "\"", STR_ARG(text));
    unsigned n = look_up(s, host, port < 0 ? 53 : (unsigned)port, room, ADDRESSES_A_NAME);
    out->n_servers += n;
    if (n > 0)
        return true;
    return setting_error(s, i, "host not found in resolver \"" STR_FMT "\"", STR_ARG(text));
}

bool
resolver_parse(struct setting *s, struct resolver_settings *out)
{
    struct address *servers =
        arena_array(s->compile->arena, struct address, s->node->n * ADDRESSES_A_NAME);
    *out = (struct resolver_settings){ .servers = servers, .ipv4 = true, .ipv6 = true };
    for (unsigned i = 1; i < s->node->n; i++) {
        int understood = parse_parameter(s, i, out);
        if (understood < 0)
            return false;
        if (!understood && !add_server(s, i, out, servers + out->n_servers))
            return false;
    }
    if (out->n_servers == 0)
        return setting_error(s, 0, "no name servers defined");
    if (!out->ipv4 && !out->ipv6)
        return setting_error(s, 0, "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
    return true;
}
