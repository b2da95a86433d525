/* limit_conn: how many requests of a key may be under way at once; over HTTP/2 each stream counts.
 */
#include "exchange/feature.h"
#include "exchange/limits/limit_key.h"
#include "exchange/limits/limit_table.h"
#include "exchange/subrequest/subrequest.h"

enum { CONN_KEY_MAX = 255 };

/* One line of limit_conn. */
struct limit {
    struct limit *next;
    const struct zone *zone;
    uint64_t n;
};

struct settings {
    struct limit *limits;
    bool dry_run;
    unsigned status;
    unsigned log_level;
};

/* A place that an exchange has taken. */
struct taken {
    struct exchange_end end; /* first */
    struct limit_stripe *stripe;
    struct limit_entry *entry; /* NULL: given back already */
};

static const struct zone_kind kind = { "limit_conn_zone", limit_zone_open, limit_zone_close };

struct declaration {
    struct zone zone;
    unsigned word;
};

static bool
zone_parameter(struct setting *s, unsigned word, void *arg)
{
    struct declaration *d = arg;
    struct str value;
    if (setting_parameter(s, word, STR("zone"), &value)) {
        d->word = word;
        return zone_parse(s, word, value, &d->zone);
    }
    return setting_error(s, word, "invalid parameter \"" STR_FMT "\"",
                         STR_ARG(setting_arg(s, word)));
}

static bool
set_zone(struct setting *s)
{
    struct declaration d = { .word = 0 };
    struct limit_key *key = arena_new(s->compile->arena, struct limit_key);
    if (!limit_key_read(s, key, zone_parameter, &d))
        return false;
    if (d.zone.name.n == 0)
        return setting_error(s, 0, "\"limit_conn_zone\" must have \"zone\" parameter");
    d.zone.kind = &kind;
    d.zone.own = key;
    d.zone.key = limit_key_identity(key, s->compile->arena);
    return zone_declare(s, d.word, &d.zone) != NULL;
}

static bool
set_limit(struct setting *s)
{
    enum { MOST = 65535 };
    struct limit *l = arena_new(s->compile->arena, struct limit), **at = s->field;
    l->zone = zone_use(s, 1, &kind, setting_arg(s, 1));
    if (l->zone == NULL)
        return false;
    for (; *at; at = &(*at)->next)
        if ((*at)->zone == l->zone)
            return setting_error(s, 0, "\"limit_conn\" directive is duplicate");
    if (!str_to_u64(setting_arg(s, 2), INT64_MAX, &l->n) || l->n == 0)
        return setting_error(s, 2, "invalid number of connections \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, 2)));
    if (l->n > MOST)
        return setting_error(s, 2, "connection limit must be less 65536");
    *at = l;
    return true;
}

static void
give_back(struct exchange *x, struct exchange_end *e)
{
    struct taken *my = (struct taken *)e;
    (void)x;
    if (my->entry == NULL)
        return;
    limit_stripe_lock(my->stripe);
    if (--my->entry->level == 0)
        limit_remove(my->stripe, my->entry);
    limit_stripe_unlock(my->stripe);
    my->entry = NULL;
}

/* False when there are as many as there may be, or no room to count one. */
static bool
take(struct exchange *x, const struct limit *l, struct str key)
{
    uint64_t hash = str_hash(key);
    struct limit_stripe *stripe = limit_stripe_of(l->zone->state, hash);
    limit_stripe_lock(stripe);
    struct limit_entry *e = limit_find(stripe, hash, key);
    if (e == NULL)
        e = limit_add(stripe, hash, key);
    bool good = e && e->level < l->n;
    if (good)
        e->level++;
    limit_stripe_unlock(stripe);
    if (!good)
        return false;
    struct taken *taken = arena_new(&x->arena, struct taken);
    *taken = (struct taken){ { .over = give_back }, stripe, e };
    exchange_at_end(x, &taken->end);
    return true;
}

/* What this request took, as far as it got: until the mark. */
static void
give_back_all(struct exchange *x, const struct exchange_end *mark)
{
    for (struct exchange_end *e = x->ends; e != mark; e = e->next)
        give_back(x, e);
}

static enum verdict
reject(struct exchange *x, const struct settings *my, const struct limit *l)
{
    exchange_log(x, my->log_level, 0, "limiting connections%s by zone \"" STR_FMT "\"",
                 my->dry_run ? ", dry run," : "", STR_ARG(l->zone->name));
    exchange_root(x)->limit_conn = my->dry_run ? LIMIT_REJECTED_DRY_RUN : LIMIT_REJECTED;
    return my->dry_run ? PASS : status_only(x, my->status);
}

static enum verdict
judge(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct exchange *root = exchange_root(x); /* whose place it is, to its end */
    const struct exchange_end *mark = root->ends;
    struct str key;
    if (root->limit_conn != LIMIT_UNASKED)
        return PASS;
    for (const struct limit *l = my->limits; l; l = l->next) {
        if (!limit_key_of(l->zone->own, x, CONN_KEY_MAX, &key) || key.n == 0)
            continue;
        root->limit_conn = LIMIT_PASSED;
        if (!take(root, l, key)) {
            give_back_all(root, mark);
            return reject(x, my, l);
        }
    }
    return PASS;
}

static enum verdict
explain(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct str key;
    if (exchange_root(x)->limit_conn != LIMIT_UNASKED)
        return PASS;
    for (const struct limit *l = my->limits; l; l = l->next) {
        if (limit_key_of(l->zone->own, x, CONN_KEY_MAX, &key))
            limit_explain(x, "limit_conn_zone", l->zone, key);
        if (key.n)
            exchange_root(x)->limit_conn = LIMIT_PASSED;
    }
    return PASS;
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->limits != NULL;
}

static bool
get_status(struct exchange *x, struct str rest, struct str *out)
{
    static const char *const words[] = {
        [LIMIT_UNASKED] = "",
        [LIMIT_PASSED] = "PASSED",
        [LIMIT_REJECTED] = "REJECTED",
        [LIMIT_REJECTED_DRY_RUN] = "REJECTED_DRY_RUN",
    };
    (void)rest;
    enum limit_status said = exchange_root(x)->limit_conn;
    *out = str_of(words[said]);
    return said != LIMIT_UNASKED;
}

static bool
set_status(struct setting *s)
{
    uint64_t status;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &status))
        return setting_error(s, 1, "\"%s\" directive invalid number", s->row->name);
    *(unsigned *)s->field = (unsigned)status;
    return (status >= 400 && status <= 599) ||
           setting_error(s, 1, "value must be between 400 and 599");
}

static const struct variable variables[] = {
    { "limit_conn_status", get_status, .flags = VARIABLE_VOLATILE,
      .help = "What limit_conn said: PASSED, REJECTED or REJECTED_DRY_RUN." },
    { 0 },
};

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "limit_conn_zone", NO_FIELD, IN_HTTP, .set = set_zone, .flags = REPEATABLE | SETTINGS_APART,
      .args_min = 1, .args_max = 3, .syntax = "[key] zone=name:size [key_prefix=bits]",
      .example = "limit_conn_zone $binary_remote_addr zone=addr:10m;",
      .help = "A zone that counts the requests under way by a key: the client's address unless "
              "another text with variables is given; those whose key is empty are not counted. "
              "key_prefix counts IPv6 addresses that agree in so many bits as one." },
    { "limit_conn", PLACE(struct settings, limits), EVERYWHERE, .set = set_limit, .flags = MANY,
      .args_min = 2, .syntax = "zone number", .example = "limit_conn addr 10;",
      .help = "At most so many requests of one key at once; over HTTP/2 each stream is one. When "
              "the zone is full, more are refused, too. Several may stand together." },
    { "limit_conn_dry_run", FIELD(struct settings, dry_run), EVERYWHERE, .initial = "off",
      .help = "Counts and logs what would be limited, and limits nothing." },
    { "limit_conn_status", PLACE(struct settings, status), EVERYWHERE, .initial = "503",
      .set = set_status, .syntax = "code", .example = "limit_conn_status 429;",
      .help = "The status of refused requests." },
    { "limit_conn_log_level", FIELD(struct settings, log_level), EVERYWHERE, .initial = "error",
      .choices = limit_log_levels, .help = "How loudly refusals are logged." },
    { 0 },
};

const struct feature limit_conn = {
    .name = "limit_conn",
    .phase = PHASE_LIMIT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = judge,
    .explain = explain,
    .variables = variables,
};
