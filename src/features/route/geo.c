/* geo [$ADDRESS] $VARIABLE { … }: a variable by the client's address: the most specific network
 * that has it, or with `ranges` the one range. */
#include "exchange/feature.h"
#include "exchange/forwarded.h"
#include "net/prefix_table.h"

/* Of disjoint ranges, in order: a later one may lie in an earlier one, which it splits. */
struct piece {
    uint32_t first, last;
    struct str value;
};

struct pieces {
    struct piece *v;
    unsigned n, cap;
};

struct proxies {
    struct prefix *v;
    unsigned n, cap;
};

struct geo {
    const struct template *address; /* NULL: the client's */
    struct proxies proxies;
    bool recursive;
    struct prefix_table *table;
    struct str *values; /* what the table finds */
    struct str otherwise;
    /* while it is compiled */
    bool ranges, has_default;
    struct map networks; /* prefix → struct network * */
    struct pieces pieces;
    unsigned n_values, cap_values;
    struct map known_values;
};

struct network {
    struct prefix prefix;
    struct str value; /* p NULL: deleted */
};

/* --- the value --- */

static bool
is_proxy(const struct address *a, const void *arg)
{
    const struct proxies *proxies = arg;
    for (unsigned i = 0; i < proxies->n; i++)
        if (prefix_holds(&proxies->v[i], a))
            return true;
    return false;
}

/* Whoever has no IP address counts as 255.255.255.255, as in nginx; so does IPv6 among ranges. */
static struct prefix_bits
bits_of(const struct geo *my, const struct address *who)
{
    static const struct prefix_bits nobody = { (uint64_t)UINT32_MAX << 32, 0, 32, true };
    struct prefix_bits bits;
    if (!prefix_bits_of_address(who, &bits) || (my->ranges && !bits.v4))
        return nobody;
    return bits;
}

static bool
parse_address(struct str text, struct address *out)
{
    struct prefix p;
    *out = (struct address){ 0 };
    if (str_find(text, '/') >= 0 || prefix_parse(text, &p) == PREFIX_BAD || p.family == AF_UNIX)
        return false;
    out->any.sa_family = p.family;
    if (p.family == AF_INET)
        memcpy(&out->v4.sin_addr, p.bytes, 4);
    else
        memcpy(&out->v6.sin6_addr, p.bytes, 16);
    return true;
}

static bool
compute(struct exchange *x, const void *data, struct str *out)
{
    const struct geo *my = data;
    struct address who = *exchange_peer(x);
    if (my->address)
        (void)parse_address(template_eval(my->address, x), &who);
    if (my->proxies.n) {
        const struct trust trust = { is_proxy, &my->proxies, my->recursive };
        (void)forwarded_fields(&x->request.fields, STR("X-Forwarded-For"), &trust, &who);
    }
    struct prefix_bits bits = bits_of(my, &who);
    uint32_t found = prefix_table_find(my->table, &bits);
    *out = found == PREFIX_NONE ? my->otherwise : my->values[found];
    return true;
}

/* --- lists that grow --- */

static void *
make_room(struct arena *a, void *v, unsigned n, unsigned *cap, size_t size)
{
    if (n < *cap)
        return v;
    *cap = *cap ? *cap * 2 : 16;
    char *grown = arena_get(a, *cap * size);
    if (n)
        memcpy(grown, v, n * size);
    return grown;
}

/* The number of a value in the table: equal ones share it, and ranges that differ in nothing. */
static uint32_t
number_of(struct geo *my, struct arena *a, struct str value)
{
    const uintptr_t known = (uintptr_t)map_try(&my->known_values, value);
    if (known)
        return (uint32_t)(known - 1);
    my->values = make_room(a, my->values, my->n_values, &my->cap_values, sizeof *my->values);
    my->values[my->n_values++] = value;
    map_put(&my->known_values, value, (void *)(uintptr_t)my->n_values);
    return my->n_values - 1;
}

/* --- networks --- */

static void
warn_duplicate(struct setting *line, const char *what, struct str name, struct str value,
               struct str old)
{
    setting_warn(line, 0,
                 "duplicate %s \"" STR_FMT "\", value: \"" STR_FMT "\", old value: \"" STR_FMT "\"",
                 what, STR_ARG(name), STR_ARG(value), STR_ARG(old));
}

static struct network *
network_of(struct geo *my, struct arena *a, const struct prefix *p)
{
    const struct str key = { (const char *)p, sizeof *p };
    struct network *network = map_try(&my->networks, key);
    if (network == NULL) {
        network = arena_new(a, struct network);
        network->prefix = *p;
        map_put(&my->networks, (struct str){ (const char *)&network->prefix, sizeof *p }, network);
    }
    return network;
}

static bool
read_prefix(struct setting *line, unsigned word, struct prefix *out)
{
    struct str text = setting_arg(line, word);
    struct prefix p;
    enum prefix_reading reading = prefix_parse(text, &p);
    if (reading == PREFIX_BAD || p.family == AF_UNIX)
        return setting_error(line, word, "invalid network \"" STR_FMT "\"", STR_ARG(text));
    if (reading == PREFIX_LOOSE)
        setting_warn(line, word, "low address bits of " STR_FMT " are meaningless", STR_ARG(text));
    memset(out, 0, sizeof *out); /* it is a key, padding and all */
    out->family = p.family;
    out->bits = p.bits;
    memcpy(out->bytes, p.bytes, sizeof p.bytes);
    return true;
}

static bool
add_network(struct setting *line, struct geo *my)
{
    struct prefix p;
    struct str value = setting_arg(line, 1);
    if (!read_prefix(line, 0, &p))
        return false;
    struct network *network = network_of(my, line->compile->arena, &p);
    bool covers_all = p.bits == 0 && my->has_default;
    if (network->value.p || covers_all)
        warn_duplicate(line, "network", setting_arg(line, 0), value,
                       network->value.p ? network->value : my->otherwise);
    network->value = value;
    return true;
}

static bool
delete_network(struct setting *line, struct geo *my)
{
    struct prefix p;
    if (!read_prefix(line, 1, &p))
        return false;
    struct network *network = network_of(my, line->compile->arena, &p);
    if (network->value.p == NULL)
        setting_warn(line, 1, "no network \"" STR_FMT "\" to delete",
                     STR_ARG(setting_arg(line, 1)));
    network->value = STR_NONE;
    return true;
}

static void
build_networks(struct geo *my, struct arena *a, struct prefix_builder *b)
{
    for (struct map_entry *e = map_next(&my->networks, NULL); e; e = map_next(&my->networks, e)) {
        const struct network *network = e->value;
        struct prefix_bits bits;
        if (network->value.p && prefix_bits_of(&network->prefix, &bits))
            prefix_builder_add(b, bits, number_of(my, a, network->value));
    }
}

/* --- ranges --- */

static bool
parse_end(struct str text, uint32_t *out)
{
    struct prefix p;
    struct prefix_bits bits;
    if (str_find(text, '/') >= 0 || prefix_parse(text, &p) == PREFIX_BAD || p.family != AF_INET ||
        !prefix_bits_of(&p, &bits))
        return false;
    *out = (uint32_t)(bits.high >> 32);
    return true;
}

static bool
read_range(struct setting *line, unsigned word, struct piece *out)
{
    struct str text = setting_arg(line, word), rest = text, first = str_cut(&rest, '-');
    if (parse_end(first, &out->first) && parse_end(rest, &out->last) && out->first <= out->last)
        return true;
    return setting_error(line, word, "invalid range \"" STR_FMT "\"", STR_ARG(text));
}

/* The first piece that ends at the address or behind it. Lists are mostly in order. */
static unsigned
seek(const struct pieces *p, uint32_t address)
{
    unsigned from = 0, to = p->n;
    if (p->n && p->v[p->n - 1].last < address)
        return p->n;
    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        if (p->v[middle].last < address)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void
insert(struct pieces *p, struct arena *a, unsigned at, struct piece piece)
{
    p->v = make_room(a, p->v, p->n, &p->cap, sizeof *p->v);
    memmove(p->v + at + 1, p->v + at, (p->n - at) * sizeof *p->v);
    p->v[at] = piece;
    p->n++;
}

/* It lies in the piece: what is left of that stays on both sides. */
static void
split(struct pieces *p, struct arena *a, unsigned at, struct piece inner)
{
    struct piece outer = p->v[at];
    p->v[at] = inner;
    if (inner.last < outer.last)
        insert(p, a, at + 1, (struct piece){ inner.last + 1, outer.last, outer.value });
    if (outer.first < inner.first)
        insert(p, a, at, (struct piece){ outer.first, inner.first - 1, outer.value });
}

static bool
report_overlap(struct setting *line, const struct piece *p)
{
    struct address first = { .v4 = { .sin_family = AF_INET, .sin_addr = { htonl(p->first) } } };
    struct address last = { .v4 = { .sin_family = AF_INET, .sin_addr = { htonl(p->last) } } };
    char a[ADDRESS_TEXT_MAX], b[ADDRESS_TEXT_MAX];
    address_print(&first, false, a);
    address_print(&last, false, b);
    return setting_error(line, 0, "range \"" STR_FMT "\" overlaps \"%s-%s\"",
                         STR_ARG(setting_arg(line, 0)), a, b);
}

static bool
add_range(struct setting *line, struct geo *my)
{
    struct pieces *p = &my->pieces;
    struct arena *a = line->compile->arena;
    struct piece new = { .value = setting_arg(line, 1) };
    if (!read_range(line, 0, &new))
        return false;
    unsigned at = seek(p, new.first);
    struct piece *there = at < p->n ? &p->v[at] : NULL;
    if (there == NULL || there->first > new.last) {
        insert(p, a, at, new);
        return true;
    }
    if (there->first > new.first || there->last < new.last)
        return report_overlap(line, there);
    if (there->first == new.first && there->last == new.last)
        warn_duplicate(line, "range", setting_arg(line, 0), new.value, there->value);
    split(p, a, at, new);
    return true;
}

static bool
delete_range(struct setting *line, struct geo *my)
{
    struct pieces *p = &my->pieces;
    struct piece gone;
    if (!read_range(line, 1, &gone))
        return false;
    unsigned at = seek(p, gone.first);
    if (at < p->n && p->v[at].first == gone.first && p->v[at].last == gone.last)
        memmove(p->v + at, p->v + at + 1, (--p->n - at) * sizeof *p->v);
    else
        setting_warn(line, 1, "no address range \"" STR_FMT "\" to delete",
                     STR_ARG(setting_arg(line, 1)));
    return true;
}

static void
build_ranges(struct geo *my, struct arena *a, struct prefix_builder *b)
{
    for (unsigned i = 0; i < my->pieces.n; i++) {
        const struct piece *p = &my->pieces.v[i];
        struct prefix_bits first = { (uint64_t)p->first << 32, 0, 32, true }, last = first;
        last.high = (uint64_t)p->last << 32;
        prefix_builder_add_range(b, first, last, number_of(my, a, p->value));
    }
}

/* --- the block --- */

/* "0.0.0.0/0" and "::/0" are other words for default: the last one holds. Returns what held. */
static struct str
forget_all(struct geo *my)
{
    struct str old = my->otherwise;
    for (struct map_entry *e = map_next(&my->networks, NULL); e; e = map_next(&my->networks, e)) {
        struct network *network = e->value;
        if (network->prefix.bits == 0 && network->value.p) {
            old = network->value;
            network->value = STR_NONE;
        }
    }
    return old;
}

static bool
set_default(struct setting *line, struct geo *my)
{
    struct str value = setting_arg(line, 1), old = forget_all(my);
    if (my->has_default && my->ranges)
        setting_warn(line, 0,
                     "duplicate default geo range value: \"" STR_FMT "\", old value: \"" STR_FMT
                     "\"",
                     STR_ARG(value), STR_ARG(my->otherwise));
    else if (my->has_default || old.p != my->otherwise.p)
        warn_duplicate(line, "network", STR("default"), value, old);
    my->has_default = true;
    my->otherwise = value;
    return true;
}

static bool
add_proxy(struct setting *line, struct geo *my)
{
    struct proxies *p = &my->proxies;
    p->v = make_room(line->compile->arena, p->v, p->n, &p->cap, sizeof *p->v);
    return read_prefix(line, 1, &p->v[p->n]) && ++p->n;
}

static bool
read_flag(struct setting *line, struct geo *my)
{
    struct str word = setting_arg(line, 0);
    if (str_eq(word, STR("proxy_recursive"))) {
        my->recursive = true;
        return true;
    }
    if (!str_eq(word, STR("ranges")))
        return setting_error(line, 0, "invalid number of the geo parameters");
    if (my->networks.n || my->pieces.n)
        return setting_error(line, 0,
                             "the \"ranges\" directive must be the first directive inside "
                             "\"geo\" block");
    my->ranges = true;
    return true;
}

static bool
read_line(struct setting *line, struct geo *my)
{
    struct str first = setting_arg(line, 0);
    if (line->node->block)
        return setting_error(line, 0, "unexpected \"{\"");
    if (line->node->n == 1)
        return read_flag(line, my);
    if (line->node->n != 2)
        return setting_error(line, 0, "invalid number of the geo parameters");
    if (str_eq(first, STR("default")))
        return set_default(line, my);
    if (str_eq(first, STR("proxy")))
        return add_proxy(line, my);
    if (str_eq(first, STR("delete")))
        return my->ranges ? delete_range(line, my) : delete_network(line, my);
    return my->ranges ? add_range(line, my) : add_network(line, my);
}

static void
drop_table(struct compile *c, void *table)
{
    (void)prefix_table_drop(table);
}

static void
build(struct geo *my, struct compile *c)
{
    struct prefix_builder b;
    prefix_builder_init(&b);
    build_networks(my, c->arena, &b);
    build_ranges(my, c->arena, &b);
    my->table = prefix_table_build(&b, PREFIX_LONGEST);
    compile_finally(c, drop_table, my->table);
}

static bool
check_name(struct setting *s, unsigned word)
{
    struct str name = setting_arg(s, word);
    if (str_starts(name, STR("$")) && name.n > 1)
        return true;
    return setting_error(s, word, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
}

static bool
set_geo(struct setting *s)
{
    unsigned last = s->node->n - 1;
    struct geo *my = arena_new(s->compile->arena, struct geo);
    *my = (struct geo){ .otherwise = STR("") };
    map_init(&my->networks, s->compile->arena, false);
    map_init(&my->known_values, s->compile->arena, false);
    if (!check_name(s, 1) || !check_name(s, last))
        return false;
    bool good = true;
    if (last == 2)
        good = (my->address = template_compile(s, 1, setting_arg(s, 1))) != NULL;
    for (const struct node *n = s->node->children; n; n = n->next) {
        struct setting line = *s;
        line.node = n;
        good = read_line(&line, my) && good;
    }
    build(my, s->compile);
    return variable_define_computed(s, last, str_skip(setting_arg(s, last), 1), compute, my, 0) &&
           good;
}

static const struct directive directives[] = {
    { "geo", NO_FIELD, IN_HTTP, .set = set_geo, .flags = BLOCK | RAW | REPEATABLE | SETTINGS_APART,
      .args_min = 1, .args_max = 2, .syntax = "[$address] $variable { ... }",
      .example = "geo $zone { default world; 10.0.0.0/8 office; 2001:db8::/32 lab; }",
      .help = "Defines a variable whose value is that of the most specific network that has the "
              "client's address. ranges (first): \"FIRST-LAST value\" instead of networks. delete "
              "takes a network back; proxy names proxies whose X-Forwarded-For is believed, "
              "proxy_recursive all along the list; include reads a file." },
    { 0 },
};

const struct feature geo_ = {
    .name = "geo",
    .directives = directives,
};
