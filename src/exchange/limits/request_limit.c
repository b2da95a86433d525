/* Reading limit_req_zone and limit_req, in nginx's words. */
#include "exchange/limits/request_limit.h"

#include "exchange/limits/challenge.h"

static const struct zone_kind kind = { "limit_req_zone", limit_zone_open, limit_zone_close };

struct declaration {
    struct zone zone;
    struct request_zone *own;
    unsigned word;
};

/* "10r/s", "30r/m"; nginx takes "10" as well. */
static bool
parse_rate(struct str text, uint64_t *rate)
{
    unsigned seconds = 1;
    uint64_t n;
    if (str_ends(text, STR("r/m")))
        seconds = 60;
    if (str_ends(text, STR("r/s")) || seconds == 60)
        text = str_head(text, text.n - 3);
    if (!str_to_u64(text, UINT32_MAX, &n) || n == 0)
        return false;
    *rate = n * REQUEST / seconds;
    return true;
}

static bool
zone_parameter(struct setting *s, unsigned word, void *arg)
{
    struct declaration *d = arg;
    struct str value;
    if (setting_parameter(s, word, STR("zone"), &value)) {
        d->word = word;
        return zone_parse(s, word, value, &d->zone);
    }
    if (setting_parameter(s, word, STR("rate"), &value))
        return parse_rate(value, &d->own->rate) ||
               setting_error(s, word, "invalid rate \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, word)));
    return str_eq(setting_arg(s, word), STR("sync")) || /* of a cluster's zones in nginx Plus */
           setting_error(s, word, "invalid parameter \"" STR_FMT "\"",
                         STR_ARG(setting_arg(s, word)));
}

bool
request_limit_set_zone(struct setting *s)
{
    struct declaration d = { .own = arena_new(s->compile->arena, struct request_zone) };
    d.own->rate = REQUEST;
    if (!limit_key_read(s, &d.own->key, zone_parameter, &d))
        return false;
    if (d.zone.name.n == 0)
        return setting_error(s, 0, "\"limit_req_zone\" must have \"zone\" parameter");
    d.zone.kind = &kind;
    d.zone.own = d.own;
    d.zone.key = limit_key_identity(&d.own->key, s->compile->arena);
    return zone_declare(s, d.word, &d.zone) != NULL;
}

/* --- limit_req --- */

static bool
refuse(struct setting *s, unsigned word, const char *what)
{
    return setting_error(s, word, "invalid %s \"" STR_FMT "\"", what,
                         STR_ARG(setting_arg(s, word)));
}

static bool
set_action(struct setting *s, unsigned word, struct str value, struct request_limit *l)
{
    static const struct choice actions[] = {
        { "reject", LIMIT_ACTION_REJECT },       { "delay", LIMIT_ACTION_DELAY },
        { "close", LIMIT_ACTION_CLOSE },         { "tarpit", LIMIT_ACTION_TARPIT },
        { "challenge", LIMIT_ACTION_CHALLENGE }, { 0 },
    };
    for (const struct choice *c = actions; c->name; c++)
        if (str_eq(value, str_of(c->name))) {
            l->action = c->value;
            return true;
        }
    refuse(s, word, "action");
    setting_hint(s, "known: reject, delay, close, tarpit, challenge");
    return false;
}

static bool
set_counts(struct setting *s, unsigned word, struct str value, struct request_limit *l)
{
    while (value.p) {
        uint64_t status;
        if (!str_to_u64(str_cut(&value, ','), 599, &status) || status < 100 ||
            l->n_counts == LIMIT_COUNTS_MAX)
            return refuse(s, word, "count value");
        l->counts[l->n_counts++] = (unsigned)status;
    }
    return true;
}

static bool
parse_thousandths(struct str value, uint64_t *out)
{
    if (!str_to_u64(value, UINT32_MAX, out) || *out == 0)
        return false;
    *out *= REQUEST;
    return true;
}

static bool
limit_parameter(struct setting *s, unsigned word, struct request_limit *l)
{
    struct str value;
    uint64_t n;
    if (setting_parameter(s, word, STR("zone"), &value)) {
        l->zone = zone_use(s, word, &kind, value);
        return l->zone != NULL;
    }
    if (setting_parameter(s, word, STR("burst"), &value))
        return parse_thousandths(value, &l->burst) || refuse(s, word, "burst value");
    if (setting_parameter(s, word, STR("delay"), &value))
        return parse_thousandths(value, &l->delay) || refuse(s, word, "delay value");
    if (setting_parameter(s, word, STR("action"), &value))
        return set_action(s, word, value, l);
    if (setting_parameter(s, word, STR("count"), &value))
        return set_counts(s, word, value, l);
    if (setting_parameter(s, word, STR("hold"), &value))
        return (parse_msec(value, &l->hold_ms) && l->hold_ms) || refuse(s, word, "hold value");
    if (setting_parameter(s, word, STR("held"), &value)) {
        bool good = str_to_u64(value, UINT32_MAX, &n) && n;
        l->held = good ? (unsigned)n : 0;
        return good || refuse(s, word, "held value");
    }
    if (str_eq(setting_arg(s, word), STR("nodelay"))) {
        l->delay = UINT64_MAX;
        return true;
    }
    return refuse(s, word, "parameter");
}

static bool
append(struct setting *s, struct request_limit *l)
{
    struct request_limit **at = s->field;
    for (; *at; at = &(*at)->next)
        if ((*at)->zone == l->zone)
            return setting_error(s, 0, "\"limit_req\" directive is duplicate");
    *at = l;
    return true;
}

bool
request_limit_set(struct setting *s)
{
    enum { HOLD_MS = 10000, HELD = 256 };
    struct request_limit *l = arena_new(s->compile->arena, struct request_limit);
    *l = (struct request_limit){ .hold_ms = HOLD_MS, .held = HELD };
    for (unsigned i = 1; i < s->node->n; i++)
        if (!limit_parameter(s, i, l))
            return false;
    if (l->zone == NULL)
        return setting_error(s, 0, "\"limit_req\" must have \"zone\" parameter");
    if (l->action == LIMIT_ACTION_DELAY && l->delay > l->burst)
        l->delay = l->burst;
    if (l->action == LIMIT_ACTION_CHALLENGE && !challenge_use(s, l->zone->name))
        return false;
    return append(s, l);
}
