/* split_clients STRING $VARIABLE { … }: a variable that divides clients by shares, always the same
 * client into the same one. */
#include "exchange/feature.h"

enum { WHOLE = 10000 };

struct share {
    uint64_t end; /* hashes below it; UINT64_MAX: all that are left (*) */
    struct str value;
};

struct split {
    const struct template *key;
    struct share *shares;
    unsigned n;
    uint64_t total; /* hundredths of a percent so far */
    uint64_t end;   /* of the last share */
};

static uint32_t
read_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* MurmurHash2, seed 0. */
static uint32_t
murmur2(struct str s)
{
    enum { M = 0x5bd1e995 };
    const unsigned char *p = (const unsigned char *)s.p;
    uint32_t h = (uint32_t)s.n, tail = 0;
    size_t n = s.n;
    for (; n >= 4; n -= 4, p += 4) {
        uint32_t k = read_u32(p) * M;
        k = (k ^ k >> 24) * M;
        h = h * M ^ k;
    }
    for (size_t i = n; i > 0; i--)
        tail = tail << 8 | p[i - 1];
    if (n)
        h = (h ^ tail) * M;
    h = (h ^ h >> 13) * M;
    return h ^ h >> 15;
}

static bool
compute(struct exchange *x, const void *data, struct str *out)
{
    const struct split *my = data;
    struct str key = template_eval(my->key, x);
    if (key.p == NULL)
        return false;
    uint32_t hash = murmur2(key);
    *out = STR("");
    for (const struct share *s = my->shares; s < my->shares + my->n; s++)
        if (hash < s->end) {
            *out = s->value;
            break;
        }
    return true;
}

/* --- the block --- */

/* "12.34%", "5%", ".5%" in hundredths of a percent. */
static bool
parse_percent(struct str text, uint64_t *out)
{
    uint64_t whole = 0, part = 0;
    if (!str_ends(text, STR("%")))
        return false;
    struct str rest = str_head(text, text.n - 1), digits = str_cut(&rest, '.');
    if (digits.n && !str_to_u64(digits, 1000, &whole))
        return false;
    if (rest.n && (rest.n > 2 || !str_to_u64(rest, 99, &part)))
        return false;
    *out = whole * 100 + (rest.n == 1 ? part * 10 : part);
    return *out > 0;
}

static bool
read_line(struct setting *line, struct split *my)
{
    struct str first = setting_arg(line, 0);
    uint64_t percent = 0;
    if (line->node->n < 2)
        return setting_error(line, 0, "invalid number of the split_clients parameters");
    if (line->node->n > 2)
        setting_warn(line, 2, "a share has one value; the rest is ignored");
    bool rest = str_eq(first, STR("*"));
    if (!rest && !parse_percent(first, &percent))
        return setting_error(line, 0, "invalid percent value \"" STR_FMT "\"", STR_ARG(first));
    if (rest && my->total < WHOLE)
        percent = WHOLE - my->total;
    my->total += percent;
    my->end += UINT32_MAX * percent / WHOLE;
    my->shares[my->n++] = (struct share){ rest ? UINT64_MAX : my->end, setting_arg(line, 1) };
    return true;
}

static bool
read_block(struct setting *s, struct split *my)
{
    bool good = true;
    size_t lines = 0;
    for (const struct node *n = s->node->children; n; n = n->next)
        lines++;
    my->shares = arena_array(s->compile->arena, struct share, lines + 1);
    for (const struct node *n = s->node->children; n; n = n->next) {
        struct setting line = *s;
        line.node = n;
        good =
            (n->block ? setting_error(&line, 0, "unexpected \"{\"") : read_line(&line, my)) && good;
    }
    if (my->total > WHOLE)
        return setting_error(s, 0, "percent total is greater than 100%%");
    return good;
}

static bool
set_split(struct setting *s)
{
    struct str name = setting_arg(s, 2);
    struct split *my = arena_new(s->compile->arena, struct split);
    my->key = template_compile(s, 1, setting_arg(s, 1));
    if (!str_starts(name, STR("$")) || name.n < 2)
        return setting_error(s, 2, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
    bool good = read_block(s, my) && my->key;
    return variable_define_computed(s, 2, str_skip(name, 1), compute, my, 0) && good;
}

static const struct directive directives[] = {
    { "split_clients", NO_FIELD, IN_HTTP, .set = set_split,
      .flags = BLOCK | RAW | REPEATABLE | SETTINGS_APART, .args_min = 2,
      .syntax = "string $variable { ... }",
      .example = "split_clients $remote_addr $variant { 0.5% .one; 2% .two; * \"\"; }",
      .help = "Defines a variable for A/B tests: the string's hash (MurmurHash2) falls into one of "
              "the shares, which are percentages with at most two decimals; * is the rest." },
    { 0 },
};

const struct feature split_clients = {
    .name = "split_clients",
    .directives = directives,
};
