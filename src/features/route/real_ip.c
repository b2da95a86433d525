/* set_real_ip_from and its kin: a trusted proxy says whose request it is.
 *
 * Asked with the server's settings before anything else looks at the client, and where that changed
 * nothing again with the location's. The connection's own peer stays what it is. */
#include "exchange/feature.h"
#include "exchange/forwarded.h"
#include "exchange/proxied.h"
#include "exchange/values/print.h"
#include "net/prefix_table.h"

#include <errno.h>
#include <netdb.h>

struct trusted {
    struct prefix *v;
    unsigned n, cap;
    struct prefix_table *table; /* of many; NULL: they are looked at one by one */
};

struct settings {
    struct trusted *from;
    struct str header;
    bool recursive;
};

enum { NAMES_MOST = 64, TABLE_MIN = 16 };

static void
add(struct setting *s, struct prefix prefix)
{
    struct trusted **list = s->field, *t = *list;
    struct arena *a = s->compile->arena;
    if (t == NULL)
        t = *list = arena_new(a, struct trusted);
    if (t->n == t->cap) {
        struct prefix *old = t->v;
        t->cap = t->cap ? 2 * t->cap : 8;
        t->v = arena_array(a, struct prefix, t->cap);
        if (t->n)
            memcpy(t->v, old, t->n * sizeof *old);
    }
    t->v[t->n++] = prefix;
}

/* One line of a file: a prefix, and what nginx's own syntax may have around it. */
static struct str
prefix_in(struct str line)
{
    struct str text = str_trim(str_cut(&line, '#'));
    if (str_starts(text, STR("set_real_ip_from ")))
        text = str_trim(str_skip(text, 17));
    while (str_ends(text, STR(";")) || str_ends(text, STR("\r")))
        text = str_trim(str_head(text, text.n - 1));
    return text;
}

static bool
add_file(struct setting *s, struct str path)
{
    struct prefix prefix;
    int error;
    path = compile_conf_path(s->compile, path);
    const struct source *file = sources_open_data(s->compile->sources, path, &error);
    if (file == NULL)
        return setting_error(s, 1, "open() \"" STR_FMT "\" failed (%d: %s)", STR_ARG(path), error,
                             strerrordesc_np(error));
    sources_watch(s->compile->sources, path);
    struct str rest = file->text;
    for (unsigned line = 1; rest.p; line++) {
        struct str text = prefix_in(str_cut(&rest, '\n'));
        if (text.n == 0)
            continue;
        if (prefix_parse(text, &prefix) == PREFIX_BAD)
            return setting_error(s, 1, "invalid network \"" STR_FMT "\" in " STR_FMT ":%u",
                                 STR_ARG(text), STR_ARG(path), line);
        add(s, prefix);
    }
    return true;
}

/* A name that is unknown trusts nobody, and stops nothing. */
static bool
add_name(struct setting *s, struct str name)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    if (getaddrinfo(arena_dup(s->compile->arena, name).p, NULL, &hints, &list) != 0) {
        setting_warn(s, 1, "host not found in set_real_ip_from \"" STR_FMT "\"", STR_ARG(name));
        return true;
    }
    unsigned n = 0;
    for (const struct addrinfo *i = list; i && n < NAMES_MOST; i = i->ai_next, n++) {
        struct address a = { .size = i->ai_addrlen };
        memcpy(&a.any, i->ai_addr, i->ai_addrlen);
        add(s, prefix_of(&a));
    }
    freeaddrinfo(list);
    return true;
}

static bool
set_from(struct setting *s)
{
    struct prefix prefix;
    struct str text = setting_arg(s, 1), path;
    if (setting_parameter(s, 1, STR("file"), &path))
        return add_file(s, path);
    switch (prefix_parse(text, &prefix)) {
    case PREFIX_LOOSE:
        setting_warn(s, 1, "low address bits of " STR_FMT " are meaningless", STR_ARG(text));
        break;
    case PREFIX_GOOD:
        break;
    case PREFIX_BAD:
        if (str_find(text, '/') >= 0 || text.n == 0)
            return setting_error(s, 1, "invalid network \"" STR_FMT "\"", STR_ARG(text));
        return add_name(s, text);
    }
    add(s, prefix);
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "set_real_ip_from", PLACE(struct settings, from), EVERYWHERE, .set = set_from, .flags = MANY,
      .syntax = "address | CIDR | unix: | name | file=path",
      .example = "set_real_ip_from 192.168.1.0/24;",
      .help = "Proxies that are believed when they say whose request it is. unix: all of unix "
              "sockets; file: one of these a line, taken up when it changes." },
    { "real_ip_header", FIELD(struct settings, header), EVERYWHERE, .initial = "X-Real-IP",
      .syntax = "field | X-Real-IP | X-Forwarded-For | Forwarded | proxy_protocol",
      .help = "The request field that has the client's address, and maybe port; or the PROXY "
              "protocol's header." },
    { "real_ip_recursive", FIELD(struct settings, recursive), EVERYWHERE, .initial = "off",
      .help = "Takes the last address in the field that is not trusted itself, instead of the "
              "last one." },
    { 0 },
};

static void
drop_table(struct compile *c, void *table)
{
    (void)prefix_table_drop(table);
}

static bool
complete(struct scope *scope, void *settings)
{
    struct trusted *t = ((struct settings *)settings)->from;
    struct prefix_builder b;
    struct prefix_bits bits;
    if (t == NULL || t->table || t->n < TABLE_MIN)
        return true;
    prefix_builder_init(&b);
    for (unsigned i = 0; i < t->n; i++)
        if (prefix_bits_of(&t->v[i], &bits))
            prefix_builder_add(&b, bits, 0);
    t->table = prefix_table_build(&b, PREFIX_LONGEST);
    compile_finally(scope->compile, drop_table, t->table);
    return true;
}

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->from != NULL;
}

static bool
is_trusted(const struct address *a, const void *arg)
{
    const struct trusted *t = arg;
    struct prefix_bits bits;
    if (t->table && prefix_bits_of_address(a, &bits))
        return prefix_table_find(t->table, &bits) != PREFIX_NONE;
    for (unsigned i = 0; i < t->n; i++)
        if (prefix_holds(&t->v[i], a))
            return true;
    return false;
}

static bool
find_by_proxy_protocol(const struct exchange *x, const struct trust *t, struct address *who)
{
    if (x->client->proxied == NULL || !t->is_trusted(who, t->arg))
        return false;
    *who = x->client->proxied->source;
    return true;
}

/* Of most fields nginx looks at the first of the name. */
static bool
find_by_first(const struct exchange *x, struct str name, const struct trust *t, struct address *who)
{
    const struct field *f = fields_find_named(&x->request.fields, name);
    return f && forwarded_list(&f->value, 1, t, who);
}

static bool
find(const struct exchange *x, const struct settings *my, struct address *who)
{
    const struct trust trust = { is_trusted, my->from, my->recursive };
    if (str_eq_nocase(my->header, STR("proxy_protocol")))
        return find_by_proxy_protocol(x, &trust, who);
    if (str_eq_nocase(my->header, STR("X-Forwarded-For")))
        return forwarded_fields(&x->request.fields, my->header, &trust, who);
    if (str_eq_nocase(my->header, STR("Forwarded")))
        return forwarded_rfc7239(&x->request.fields, &trust, who);
    return find_by_first(x, my->header, &trust, who);
}

static enum verdict
take_peer(struct exchange *x, const void *settings)
{
    struct address who = x->client->peer;
    if (x->real_peer || !find(x, settings, &who))
        return PASS;
    struct address *kept = arena_raw(&x->arena, sizeof *kept);
    *kept = who;
    x->real_peer_text = address_text(kept, false, &x->arena);
    x->real_peer = kept;
    return PASS;
}

static bool
get_remote_addr(struct exchange *x, struct str rest, struct str *out)
{
    return give(x->client->peer_text, out);
}

static bool
get_remote_port(struct exchange *x, struct str rest, struct str *out)
{
    unsigned port = address_port(&x->client->peer);
    *out = port ? print_u64(x, port) : STR("");
    return true;
}

static const struct variable variables[] = {
    { "realip_remote_addr", get_remote_addr, NULL, VARIABLE_VOLATILE,
      "The connection's own client address, whatever real_ip_header made of it." },
    { "realip_remote_port", get_remote_port, NULL, VARIABLE_VOLATILE,
      "The connection's own client port." },
    { 0 },
};

const struct feature real_ip = {
    .name = "real_ip",
    .phase = PHASE_REAL_IP,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = is_used,
    .on_request = take_peer,
    .explain = take_peer,
    .variables = variables,
};
