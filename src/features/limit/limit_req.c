/* limit_req: how many requests a key may make in a time; beyond, they wait, are refused, held, or
 * asked for some work first. */
#include "exchange/feature.h"
#include "exchange/limits/challenge.h"
#include "exchange/limits/request_limit.h"
#include "exchange/subrequest/subrequest.h"
#include "fiber/fiber.h"

#include <inttypes.h>
#include <stdatomic.h>

struct settings {
    struct request_limit *limits;
    bool dry_run;
    unsigned status;
    unsigned log_level;
};

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

/* --- At work --- */

static uint64_t
rate_of(const struct request_limit *l)
{
    return ((const struct request_zone *)l->zone->own)->rate;
}

/* Counts a request once its answer is known. */
struct counted {
    struct exchange_end end; /* first */
    const struct request_limit *limit;
    struct str key;
};

static void
count_answer(struct exchange *x, struct exchange_end *e)
{
    const struct counted *my = (const struct counted *)e;
    const struct request_limit *l = my->limit;
    if (exchange_root(x)->limit_req == LIMIT_REJECTED)
        return; /* our own answer, not what came of the request */
    for (unsigned i = 0; i < l->n_counts; i++)
        if (l->counts[i] == x->response.status)
            bucket_add(l->zone->state, my->key, rate_of(l), clock_ms());
}

static void
count_later(struct exchange *x, const struct request_limit *l, struct str key)
{
    struct counted *counted = arena_new(&x->arena, struct counted);
    *counted = (struct counted){ { .decided = count_answer }, l, key };
    exchange_at_end(x, &counted->end);
}

/* Beside the bucket, the line that it belongs to. */
struct use {
    const struct request_limit *limit;
    struct str key; /* as it is, without what a pass makes of it */
    bool has_pass;
};

/* Who has done the work may do more, and is counted apart. */
static void
honour_pass(struct exchange *x, struct use *use, struct bucket_use *bucket)
{
    unsigned factor = challenge_factor(x);
    use->has_pass = true;
    bucket->key = arena_join(&x->arena, use->key, (struct str){ "\0pass", 5 });
    bucket->rate *= factor;
    bucket->burst = (bucket->burst + REQUEST) * factor;
    bucket->delay = UINT64_MAX;
}

/* False when the line has nothing to say to this request. */
static bool
make_use(struct exchange *x, const struct request_limit *l, struct use *use,
         struct bucket_use *bucket)
{
    const struct request_zone *zone = l->zone->own;
    *use = (struct use){ .limit = l };
    if (!limit_key_of(&zone->key, x, LIMIT_KEY_MAX, &use->key) || use->key.n == 0)
        return false;
    *bucket = (struct bucket_use){ .table = l->zone->state,
                                   .key = use->key,
                                   .rate = zone->rate,
                                   .burst = l->burst,
                                   .delay = l->delay,
                                   .only_looks = l->n_counts > 0 };
    if (l->action == LIMIT_ACTION_DELAY)
        bucket->burst += zone->rate * l->hold_ms / 1000;
    if (l->action == LIMIT_ACTION_CHALLENGE && challenge_passed(x, l->zone->name, use->key))
        honour_pass(x, use, bucket);
    return true;
}

/* -ECANCELED when the client goes away meanwhile. */
static int
hold(struct exchange *x, uint64_t ms)
{
    struct fiber *before = x->cancel_on_gone;
    if (x->client_gone)
        return -1;
    x->cancel_on_gone = fiber_self();
    int r = fiber_sleep(ms);
    x->cancel_on_gone = before;
    return r;
}

static enum verdict
tarpit(struct exchange *x, const struct request_limit *l, unsigned status)
{
    _Atomic unsigned *held = limit_table_held(l->zone->state);
    bool room = atomic_fetch_add(held, 1) < l->held;
    int r = room ? hold(x, l->hold_ms) : 0;
    atomic_fetch_sub(held, 1);
    return r < 0 ? fail(x, FAULT_CLIENT_GONE, "%s", "") : status_only(x, status);
}

static enum verdict
act(struct exchange *x, const struct use *use, unsigned status)
{
    switch ((enum limit_action)use->limit->action) {
    case LIMIT_ACTION_CLOSE:
        return status_only(x, 444);
    case LIMIT_ACTION_TARPIT:
        return tarpit(x, use->limit, status);
    case LIMIT_ACTION_CHALLENGE:
        if (!use->has_pass)
            return challenge_page(x, use->limit->zone->name, use->key);
        break;
    case LIMIT_ACTION_REJECT:
    case LIMIT_ACTION_DELAY:
        break;
    }
    return status_only(x, status);
}

static enum verdict
reject(struct exchange *x, const struct settings *my, const struct use *use,
       const struct bucket_answer *a)
{
    struct str zone = use->limit->zone->name;
    if (a->outcome == BUCKET_FULL)
        exchange_log(x, LEVEL_ERROR, 0, "could not allocate node in limit_req zone \"" STR_FMT "\"",
                     STR_ARG(zone));
    else
        exchange_log(x, my->log_level, 0,
                     "limiting requests%s, excess: %" PRIu64 ".%03" PRIu64 " by zone \"" STR_FMT
                     "\"",
                     my->dry_run ? ", dry run" : "", a->excess / REQUEST, a->excess % REQUEST,
                     STR_ARG(zone));
    exchange_root(x)->limit_req = my->dry_run ? LIMIT_REJECTED_DRY_RUN : LIMIT_REJECTED;
    return my->dry_run ? PASS : act(x, use, my->status);
}

static enum verdict
delay(struct exchange *x, const struct settings *my, const struct use *use,
      const struct bucket_answer *a)
{
    enum log_level level = my->log_level == LEVEL_INFO ? LEVEL_INFO : my->log_level + 1;
    exchange_log(x, level, 0,
                 "delaying request%s, excess: %" PRIu64 ".%03" PRIu64 ", by zone \"" STR_FMT "\"",
                 my->dry_run ? ", dry run" : "", a->excess / REQUEST, a->excess % REQUEST,
                 STR_ARG(use->limit->zone->name));
    exchange_root(x)->limit_req = my->dry_run ? LIMIT_DELAYED_DRY_RUN : LIMIT_DELAYED;
    if (!my->dry_run && hold(x, a->delay_ms) < 0)
        return fail(x, FAULT_CLIENT_GONE, "%s", "");
    return PASS;
}

static unsigned
gather(struct exchange *x, const struct request_limit *l, struct use *uses,
       struct bucket_use *buckets)
{
    unsigned n = 0;
    for (; l; l = l->next)
        n += make_use(x, l, &uses[n], &buckets[n]);
    for (unsigned i = 0; i < n; i++)
        if (uses[i].limit->n_counts)
            count_later(x, uses[i].limit, buckets[i].key);
    return n;
}

static enum verdict
judge(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    unsigned n = 0;
    if (exchange_root(x)->limit_req != LIMIT_UNASKED)
        return PASS;
    for (const struct request_limit *l = my->limits; l; l = l->next)
        n++;
    struct use *uses = arena_raw(&x->arena, n * sizeof *uses);
    struct bucket_use *buckets = arena_raw(&x->arena, n * sizeof *buckets);
    n = gather(x, my->limits, uses, buckets);
    if (n == 0)
        return PASS;
    struct bucket_answer a = buckets_take(buckets, n, clock_ms());
    switch (a.outcome) {
    case BUCKET_PASSED:
        exchange_root(x)->limit_req = LIMIT_PASSED;
        return PASS;
    case BUCKET_DELAYED:
        return delay(x, my, &uses[a.which], &a);
    case BUCKET_REFUSED:
    case BUCKET_FULL:
        break;
    }
    return reject(x, my, &uses[a.which], &a);
}

static enum verdict
explain(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct str key;
    if (exchange_root(x)->limit_req != LIMIT_UNASKED)
        return PASS;
    for (const struct request_limit *l = my->limits; l; l = l->next) {
        const struct request_zone *zone = l->zone->own;
        if (limit_key_of(&zone->key, x, LIMIT_KEY_MAX, &key))
            limit_explain(x, "limit_req_zone", l->zone, key);
        if (key.n)
            exchange_root(x)->limit_req = LIMIT_PASSED;
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
    static const char *const words[] = { "",         "PASSED",          "DELAYED",
                                         "REJECTED", "DELAYED_DRY_RUN", "REJECTED_DRY_RUN" };
    (void)rest;
    enum limit_status said = exchange_root(x)->limit_req;
    *out = str_of(words[said]);
    return said != LIMIT_UNASKED;
}

static const struct variable variables[] = {
    { "limit_req_status", get_status, .flags = VARIABLE_VOLATILE,
      .help = "What limit_req said: PASSED, DELAYED, REJECTED, DELAYED_DRY_RUN or "
              "REJECTED_DRY_RUN." },
    { 0 },
};

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "limit_req_zone", NO_FIELD, IN_HTTP, .set = request_limit_set_zone,
      .flags = REPEATABLE | SETTINGS_APART, .args_min = 1, .args_max = 6,
      .syntax = "[key] zone=name:size rate=number(r/s | r/m) [key_prefix=bits] [sync]",
      .example = "limit_req_zone $binary_remote_addr zone=perip:10m rate=10r/s key_prefix=64;",
      .help = "A zone that counts requests by a key: the client's address unless another text with "
              "variables is given; requests whose key is empty are not counted. key_prefix counts "
              "IPv6 addresses that agree in so many bits as one. A megabyte holds some 14,000 "
              "keys; when it is full, the ones not seen for longest make room. It goes on over "
              "reloads as long as name, key and size stay." },
    { "limit_req", PLACE(struct settings, limits), EVERYWHERE, .set = request_limit_set,
      .flags = MANY, .args_min = 1, .args_max = 8,
      .syntax = "zone=name [burst=number] [nodelay | delay=number] "
                "[action=reject | delay | close | tarpit | challenge] [hold=time] [held=number] "
                "[count=status,...]",
      .example = "limit_req zone=perip burst=20 nodelay;",
      .help = "Limits requests by a zone. Up to burst above the rate they wait for their turn "
              "(all, none with nodelay, or those beyond delay); beyond, they are refused with "
              "limit_req_status, or by action: wait up to hold (delay), are closed without an "
              "answer, held for the time of hold before they are refused, at most held of them at "
              "once (tarpit), or must solve a small task first (challenge). count: only requests "
              "that were answered with one of these are counted. Several may stand together." },
    { "limit_req_dry_run", FIELD(struct settings, dry_run), EVERYWHERE, .initial = "off",
      .help = "Counts and logs what would be limited, and limits nothing." },
    { "limit_req_status", PLACE(struct settings, status), EVERYWHERE, .initial = "503",
      .set = set_status, .syntax = "code", .example = "limit_req_status 429;",
      .help = "The status of refused requests." },
    { "limit_req_log_level", FIELD(struct settings, log_level), EVERYWHERE, .initial = "error",
      .choices = limit_log_levels,
      .help = "How loudly refusals are logged. Waits are logged one level lower." },
    { "limit_req_challenge", NO_FIELD, IN_HTTP, .set = challenge_set, .flags = SETTINGS_APART,
      .args_min = 1, .args_max = 5,
      .syntax = "[difficulty=bits] [expires=time] [wait=time] [status=code] [factor=number]",
      .example = "limit_req_challenge difficulty=17 expires=1h wait=10s status=403 factor=10;",
      .unset = "difficulty=17 expires=1h wait=10s status=403 factor=10",
      .help = "How action=challenge works: bits of the task (one more doubles the work), how long "
              "a pass is good, how long who has no script must wait for one (0: never gets one), "
              "the page's status, and how many times the rate and burst a pass allows." },
    { "limit_req_challenge_secret", NO_FIELD, IN_HTTP, .set = challenge_set_secret,
      .flags = SETTINGS_APART, .syntax = "file",
      .example = "limit_req_challenge_secret challenge.key;",
      .help =
          "A file of at least 32 random bytes that signs passes, so that machines that share it "
          "take each other's; without it a random one for the life of the program." },
    { 0 },
};

const struct feature limit_req = {
    .name = "limit_req",
    .phase = PHASE_LIMIT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = judge,
    .explain = explain,
    .variables = variables,
};
