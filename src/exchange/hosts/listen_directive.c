/* listen ADDRESS[:PORT] | PORT | unix:PATH [parameters]; the first server of an address is its
 * default. */
#include "exchange/hosts/listen_directive.h"

#include "base/must.h"
#include "exchange/hosts/host_table.h"
#include "exchange/hosts/listen_place.h"

#include <unistd.h>

static struct listen_address *
find_or_add(struct compile *c, const struct address *address)
{
    struct snapshot *snap = c->snapshot;
    struct str text = address_text(address, true, c->arena);
    for (unsigned i = 0; i < snap->n_listens; i++)
        if (str_eq(snap->listens[i]->text, text))
            return snap->listens[i];
    struct listen_address *l = arena_new(c->arena, struct listen_address);
    l->text = text;
    l->hosts = host_table_open(c->arena);
    l->options = (struct listen_options){ .address = *address,
                                          .reuseport = address->any.sa_family != AF_UNIX,
                                          .ipv6only = true,
                                          .backlog = 511,
                                          .fastopen = -1,
                                          .so_keepalive = -1 };
    if ((snap->n_listens & (snap->n_listens + 1)) == 0) {
        struct listen_address **old = snap->listens;
        snap->listens = arena_array(c->arena, struct listen_address *, 2 * snap->n_listens + 1);
        if (snap->n_listens)
            memcpy(snap->listens, old, snap->n_listens * sizeof *old);
    }
    snap->listens[snap->n_listens++] = l;
    return l;
}

/* so_keepalive=on|off|[idle]:[interval]:[count] */
static bool
parse_keepalive(struct str value, struct listen_options *o)
{
    uint64_t parts[3] = { 0 };
    o->so_keepalive = !str_eq(value, STR("off"));
    if (str_eq(value, STR("on")) || str_eq(value, STR("off")))
        return true;
    for (int i = 0; i < 3 && value.p; i++) {
        struct str part = str_cut(&value, ':');
        bool ok = i == 2 ? str_to_u64(part, 1 << 20, &parts[i]) : parse_msec(part, &parts[i]);
        if (part.n && !ok)
            return false;
    }
    o->keepidle = (unsigned)(parts[0] / 1000);
    o->keepintvl = (unsigned)(parts[1] / 1000);
    o->keepcnt = (unsigned)parts[2];
    return value.p == NULL;
}

static bool
set_number(struct str value, int *out)
{
    uint64_t n;
    if (!str_to_u64(value, INT32_MAX, &n))
        return false;
    *out = (int)n;
    return true;
}

static bool
set_size(struct str value, int *out)
{
    uint64_t n;
    if (!parse_bytes(value, &n) || n > INT32_MAX)
        return false;
    *out = (int)n;
    return true;
}

static bool
set_on_off(struct str value, bool *out)
{
    *out = str_eq(value, STR("on"));
    return *out || str_eq(value, STR("off"));
}

/* "name=value" parameters. False when the value is malformed or the name unknown. */
static bool
set_valued(struct str name, struct str value, struct listen_options *o)
{
    int ignored;
    if (str_eq(name, STR("backlog")))
        return set_number(value, &o->backlog);
    if (str_eq(name, STR("fastopen")))
        return set_number(value, &o->fastopen);
    if (str_eq(name, STR("setfib")))
        return set_number(value, &ignored);
    if (str_eq(name, STR("rcvbuf")))
        return set_size(value, &o->rcvbuf);
    if (str_eq(name, STR("sndbuf")))
        return set_size(value, &o->sndbuf);
    if (str_eq(name, STR("ipv6only")))
        return set_on_off(value, &o->ipv6only);
    if (str_eq(name, STR("so_keepalive")))
        return parse_keepalive(value, o);
    if (str_eq(name, STR("accept_filter")))
        return value.n > 0;
    return false;
}

static bool
is_valued(struct str name)
{
    static const char *const names[] = { "backlog", "fastopen", "setfib",       "rcvbuf",
                                         "sndbuf",  "ipv6only", "so_keepalive", "accept_filter" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* What a directive says beside the socket's options. */
struct listen_words {
    bool is_default;
    unsigned protocols; /* enum listen_protocol bits */
};

static unsigned
protocol_of(struct str arg)
{
    return str_eq(arg, STR("ssl"))              ? LISTEN_TLS
           : str_eq(arg, STR("http2"))          ? LISTEN_HTTP2
           : str_eq(arg, STR("proxy_protocol")) ? LISTEN_PROXY
                                                : 0;
}

static bool
set_parameter(struct setting *s, unsigned word, struct listen_address *l, struct listen_words *out)
{
    struct str arg = setting_arg(s, word), value = arg;
    struct str name = str_cut(&value, '=');
    if (str_eq(arg, STR("default_server")) || str_eq(arg, STR("default"))) {
        out->is_default = true;
        return true;
    }
    if (str_eq(arg, STR("deferred"))) {
        l->options.deferred = true;
        return true;
    }
    if (str_eq(arg, STR("bind")) || str_eq(arg, STR("reuseport")))
        return true; /* every address is bound, one socket a thread, anyway */
    if (protocol_of(arg)) {
        out->protocols |= protocol_of(arg);
        return true;
    }
    if (str_eq(arg, STR("quic")))
        return setting_error(s, word,
                             "the \"" STR_FMT "\" parameter of \"listen\" is not in usher yet",
                             STR_ARG(arg));
    if (value.p && set_valued(name, value, &l->options))
        return true;
    if (value.p && is_valued(name))
        return setting_error(s, word, "invalid " STR_FMT " \"" STR_FMT "\"", STR_ARG(name),
                             STR_ARG(arg));
    return setting_error(s, word, "invalid parameter \"" STR_FMT "\"", STR_ARG(arg));
}

static bool
use(struct setting *s, struct server_build *b, struct listen_address *l)
{
    for (const struct listen_use *u = b->listens; u; u = u->next)
        if (u->address == l)
            return setting_error(s, 1, "a duplicate listen " STR_FMT, STR_ARG(l->text));
    struct listen_use *u = arena_new(s->compile->arena, struct listen_use);
    *u = (struct listen_use){ b->listens, l };
    b->listens = u;
    return true;
}

/* What one server says of an address holds for all. */
static void
set_protocols(struct setting *s, struct listen_address *l, unsigned protocols)
{
    if (protocols & LISTEN_HTTP2)
        setting_warn(s, 1,
                     "the \"listen ... http2\" directive is deprecated, use the \"http2\" "
                     "directive instead");
    if (l->protocols && protocols && l->protocols != protocols)
        setting_warn(s, 1, "protocol options redefined for " STR_FMT, STR_ARG(l->text));
    l->protocols |= protocols;
    l->tls = l->protocols & LISTEN_TLS;
    l->http2 = l->protocols & LISTEN_HTTP2;
    l->proxy_protocol = l->protocols & LISTEN_PROXY;
}

/* One of the addresses that the directive stands for. */
static bool
listen_on(struct setting *s, const struct address *address)
{
    struct server_build *b = s->scope->object;
    struct listen_address *l = find_or_add(s->compile, address);
    struct listen_words words = { 0 };
    bool ok = true;
    for (unsigned i = 2; i < s->node->n; i++)
        ok = set_parameter(s, i, l, &words) && ok;
    if (!ok || !use(s, b, l))
        return false;
    if (words.is_default && l->has_default)
        return setting_error(s, 1, "a duplicate default server for " STR_FMT, STR_ARG(l->text));
    set_protocols(s, l, words.protocols);
    if (words.is_default || l->fallback == NULL)
        l->fallback = b->server;
    l->has_default |= words.is_default;
    if (l->span.source == NULL)
        l->span = s->node->words[1].span;
    return true;
}

bool
listen_set(struct setting *s)
{
    struct listen_place place;
    if (!listen_place_parse(s, 1, &place))
        return false;
    for (unsigned i = 0; i < place.n; i++)
        if (!listen_on(s, &place.v[i]))
            return false;
    return true;
}

bool
listen_default(struct compile *c, struct server_build *b)
{
    struct address address = { .size = sizeof address.v4, .v4 = { .sin_family = AF_INET } };
    address_set_port(&address, geteuid() == 0 ? 80 : 8000);
    struct listen_address *l = find_or_add(c, &address);
    struct listen_use *u = arena_new(c->arena, struct listen_use);
    *u = (struct listen_use){ NULL, l };
    b->listens = u;
    if (l->fallback == NULL)
        l->fallback = b->server;
    if (l->span.source == NULL)
        l->span = b->server->span;
    return true;
}
