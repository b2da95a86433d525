/* Keeping a name resolved: a timer between questions, a fiber only while one is under way. */
#include "upstream/discover/dns.h"

#include "base/must.h"
#include "base/random.h"
#include "observe/log.h"
#include "upstream/view.h"

#include <errno.h>
#include <stdlib.h>

enum { ASK_MAX_MS = 30000, RETRY_MIN_MS = 1000, RETRY_MAX_MS = 30000 };

struct discovery {
    struct discovery *next; /* of the group */
    struct local_group *group;
    const struct server *server;
    struct address *addresses; /* owned, sorted */
    unsigned n;
    bool answered; /* well or badly */
    int error;     /* of the last answer, 0 before: each failure is told once */
    bool closed;   /* the fiber frees it */
    uint64_t retry_ms;
    struct timer timer;
    struct fiber *fiber; /* while a question is under way */
};

static void
free_discovery(struct discovery *d)
{
    free(d->addresses);
    free(d);
}

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

/* Servers answer in turning order: sorted, the same set is the same text. */
static bool
take_addresses(struct discovery *d, const struct answer *answer)
{
    size_t size = answer->n * sizeof *answer->addresses;
    qsort(answer->addresses, answer->n, sizeof *answer->addresses, compare);
    if (answer->n == d->n && memcmp(answer->addresses, d->addresses, size) == 0)
        return false;
    free(d->addresses);
    d->addresses = malloc(size);
    must(d->addresses != NULL);
    memcpy(d->addresses, answer->addresses, size);
    d->n = answer->n;
    return true;
}

static void
replace_view(struct local_group *g)
{
    struct view *old = g->view;
    g->view = view_build(g);
    view_retire(old);
}

static uint64_t
back_off(struct discovery *d)
{
    uint64_t wait = d->retry_ms;
    d->retry_ms = wait * 2 < RETRY_MAX_MS ? wait * 2 : RETRY_MAX_MS;
    return clock_in(wait);
}

static const char *
reason(int error)
{
    switch (error) {
    case -ENOENT:
        return "3: Host not found";
    case -ETIMEDOUT:
        return "110: Operation timed out";
    default:
        return "2: Server failure";
    }
}

static void
tell(struct discovery *d, int error)
{
    struct str host = d->server->host, group = d->group->upstream->name;
    if (error && error != d->error)
        log_write(error_log_global(), LEVEL_ERROR, 0,
                  STR_FMT " could not be resolved (%s) in upstream \"" STR_FMT "\"", STR_ARG(host),
                  reason(error), STR_ARG(group));
    else if (!error && d->error)
        log_write(error_log_global(), LEVEL_NOTICE, 0,
                  STR_FMT " is resolved again in upstream \"" STR_FMT "\"", STR_ARG(host),
                  STR_ARG(group));
    d->error = error;
}

/* Threads that asked at the same moment drift apart. */
static uint64_t
spread(uint64_t moment)
{
    uint64_t now = clock_ms();
    return moment > now ? moment + random_below((moment - now) / 16 + 1) : now;
}

static void
settle(struct discovery *d, int error, const struct answer *answer)
{
    if (error == 0) {
        d->retry_ms = RETRY_MIN_MS;
        if (take_addresses(d, answer))
            replace_view(d->group);
    }
    tell(d, error);
    if (!d->answered)
        d->group->unanswered--;
    d->answered = true;
    uint64_t soonest = clock_in(RETRY_MIN_MS);
    uint64_t next = error ? back_off(d) : answer->fresh_until;
    timer_set(&d->timer, spread(next > soonest ? next : soonest));
    fiber_condition_broadcast(&d->group->changed);
}

static void
ask(void *arg)
{
    struct discovery *d = arg;
    struct arena a;
    struct answer answer;
    if (d->closed) { /* its table may be gone already */
        free_discovery(d);
        return;
    }
    arena_init(&a, 0);
    int e =
        resolve(d->server->host, d->group->upstream->resolver, &a, &answer, clock_in(ASK_MAX_MS));
    d->fiber = NULL;
    if (d->closed)
        free_discovery(d);
    else
        settle(d, e, &answer);
    arena_fini(&a);
}

static void
fire(struct timer *t)
{
    struct discovery *d = container_of(t, struct discovery, timer);
    d->fiber = fiber_spawn(ask, d);
}

void
discovery_open(struct local_group *g, const struct server *s)
{
    struct discovery *d = calloc(1, sizeof *d);
    must(d != NULL);
    d->group = g;
    d->server = s;
    d->retry_ms = RETRY_MIN_MS;
    d->next = g->discoveries;
    g->discoveries = d;
    g->unanswered++;
    timer_init(&d->timer, fire);
    d->fiber = fiber_spawn(ask, d);
}

void
discovery_close(struct discovery *d)
{
    struct discovery **at = &d->group->discoveries;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    timer_fini(&d->timer);
    d->closed = true;
    if (d->fiber)
        fiber_cancel(d->fiber);
    else
        free_discovery(d);
}

unsigned
discovery_addresses(const struct local_group *g, const struct server *s, const struct address **out)
{
    struct discovery *d = g->discoveries;
    while (d && d->server != s)
        d = d->next;
    *out = d ? d->addresses : NULL;
    return d ? d->n : 0;
}
