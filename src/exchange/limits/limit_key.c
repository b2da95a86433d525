/* Reading keys of zones, and grouping addresses; what else the two directives share. */
#include "exchange/limits/limit_key.h"

#include "exchange/limits/limit_table.h"
#include "exchange/trace.h"

#include <arpa/inet.h>

const struct choice limit_log_levels[] = {
    { "info", LEVEL_INFO },
    { "notice", LEVEL_NOTICE },
    { "warn", LEVEL_WARN },
    { "error", LEVEL_ERROR },
    { 0 },
};

void *
limit_zone_open(const struct zone *z)
{
    return limit_table_open(z->size);
}

void
limit_zone_close(void *state)
{
    limit_table_close(state);
}

static bool
read_prefix(struct setting *s, unsigned word, struct str value, struct limit_key *key)
{
    uint64_t bits;
    if (!str_to_u64(value, 128, &bits) || bits == 0)
        return setting_error(s, word, "invalid key_prefix \"" STR_FMT "\"", STR_ARG(value));
    key->prefix = (unsigned)bits;
    return true;
}

static bool
compile_key(struct setting *s, struct limit_key *key, unsigned word, unsigned prefix_word)
{
    key->binary = str_eq(key->written, STR("$binary_remote_addr"));
    bool address = key->binary || str_eq(key->written, STR("$remote_addr"));
    if (key->prefix && !address)
        return setting_error(s, prefix_word,
                             "key_prefix needs $binary_remote_addr or $remote_addr as the key");
    key->text = template_compile(s, word, key->written);
    return key->text != NULL;
}

static bool
is_parameter(struct str word)
{
    return str_starts(word, STR("zone=")) || str_starts(word, STR("rate=")) ||
           str_starts(word, STR("key=")) || str_starts(word, STR("key_prefix="));
}

bool
limit_key_read(struct setting *s, struct limit_key *key,
               bool (*parameter)(struct setting *s, unsigned word, void *arg), void *arg)
{
    unsigned key_word = 1, prefix_word = 0, first = 1;
    struct str value;
    *key = (struct limit_key){ .written = STR("$binary_remote_addr") };
    if (!is_parameter(setting_arg(s, 1)))
        key->written = setting_arg(s, first++);
    for (unsigned i = first; i < s->node->n; i++) {
        if (setting_parameter(s, i, STR("key"), &value)) {
            key->written = value;
            key_word = i;
        } else if (setting_parameter(s, i, STR("key_prefix"), &value)) {
            prefix_word = i;
            if (!read_prefix(s, i, value, key))
                return false;
        } else if (!parameter(s, i, arg))
            return false;
    }
    return compile_key(s, key, key_word, prefix_word);
}

struct str
limit_key_identity(const struct limit_key *key, struct arena *a)
{
    return key->prefix
               ? arena_printf(a, STR_FMT " key_prefix=%u", STR_ARG(key->written), key->prefix)
               : key->written;
}

/* IPv4 addresses that come as IPv6 ones (::ffff:…) are whole: their prefix is everybody's. */
static struct str
cut_address(const unsigned char address[16], unsigned bits, struct arena *a)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    unsigned char *cut = (unsigned char *)arena_text(a, 16);
    memcpy(cut, address, 16);
    if (memcmp(address, mapped, sizeof mapped) == 0)
        return (struct str){ (char *)cut, 16 };
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        if (kept < 8)
            cut[i] &= (unsigned char)(0xff00 >> kept);
    }
    return (struct str){ (char *)cut, 16 };
}

static struct str
group(const struct limit_key *key, struct str value, struct arena *a)
{
    struct in6_addr parsed;
    char text[INET6_ADDRSTRLEN];
    if (key->binary)
        return value.n == 16 ? cut_address((const unsigned char *)value.p, key->prefix, a) : value;
    if (value.n >= sizeof text || str_find(value, ':') < 0)
        return value;
    memcpy(text, value.p, value.n);
    text[value.n] = 0;
    return inet_pton(AF_INET6, text, &parsed) == 1 ? cut_address(parsed.s6_addr, key->prefix, a)
                                                   : value;
}

bool
limit_key_of(const struct limit_key *key, struct exchange *x, size_t max, struct str *out)
{
    *out = template_eval(key->text, x);
    if (out->n > max) {
        exchange_log(x, LEVEL_ERROR, 0,
                     "the value of the \"" STR_FMT "\" key is more than %zu bytes: \"" STR_FMT "\"",
                     STR_ARG(key->written), max, STR_ARG(*out));
        return false;
    }
    if (key->prefix && out->n)
        *out = group(key, *out, &x->arena);
    return true;
}

/* The bytes of an address, as people write it. */
static struct str
shown(struct str key, struct arena *a)
{
    char text[INET6_ADDRSTRLEN];
    int family = key.n == 4 ? AF_INET : AF_INET6;
    bool plain = true;
    for (size_t i = 0; i < key.n; i++)
        plain = plain && key.p[i] >= ' ' && key.p[i] < 127;
    if (!plain && (key.n == 4 || key.n == 16) && inet_ntop(family, key.p, text, sizeof text))
        return arena_dup(a, str_of(text));
    return arena_printf(a, "\"" STR_FMT "\"", STR_ARG(key));
}

void
limit_explain(struct exchange *x, const char *directive, const struct zone *zone, struct str key)
{
    struct str start = arena_printf(&x->arena, "zone=" STR_FMT ":", STR_ARG(zone->name));
    trace_definition(x, "", directive, start);
    if (key.n)
        trace_say(x, "", NULL, "counts " STR_FMT ", which is taken to be within the limit",
                  STR_ARG(shown(key, &x->arena)));
    else
        trace_say(x, "", NULL, "the key is empty: not counted");
}
