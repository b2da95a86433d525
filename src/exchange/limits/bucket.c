/* Taking a request into buckets: lock all, judge all, then count in all or in none. */
#include "exchange/limits/bucket.h"

enum { STALE_MS = 60000 };

/* The level when one request more comes now. A new bucket is empty after its first. */
static uint64_t
level_with(const struct limit_entry *e, uint64_t rate, uint64_t now)
{
    uint64_t passed = now > e->last_ms ? now - e->last_ms : 0;
    if (e->fresh)
        return 0;
    uint64_t leaked;
    if (__builtin_mul_overflow(rate, passed, &leaked))
        return 0;
    uint64_t level = e->level + REQUEST;
    return level > leaked / 1000 ? level - leaked / 1000 : 0;
}

static void
count(struct limit_entry *e, uint64_t level, uint64_t now)
{
    e->level = level;
    if (e->fresh || now > e->last_ms)
        e->last_ms = now;
    e->fresh = false;
}

/* As nginx makes room: up to two keys that are idle for a minute and empty, and by force the one
 * that was not used for longest. */
static void
expire(struct limit_stripe *s, uint64_t rate, uint64_t now, bool force)
{
    for (unsigned i = force ? 0 : 1; i < 3; i++) {
        struct limit_entry *e = limit_oldest(s);
        if (e == NULL)
            return;
        bool idle = now > e->last_ms && now - e->last_ms >= STALE_MS;
        if (i > 0 && !(idle && level_with(e, rate, now) <= REQUEST))
            return;
        limit_remove(s, e);
    }
}

/* Long keys may need several places. NULL when even an empty stripe has no room. */
static struct limit_entry *
add(struct limit_stripe *s, uint64_t hash, struct str key, uint64_t rate, uint64_t now)
{
    expire(s, rate, now, false);
    struct limit_entry *e;
    while ((e = limit_add(s, hash, key)) == NULL && limit_oldest(s))
        expire(s, rate, now, true);
    return e;
}

/* In the order of their addresses, lest two threads wait for each other. */
static void
lock_all(struct bucket_use *uses, unsigned n)
{
    for (unsigned done = 0; done < n; done++) {
        struct bucket_use *next = NULL;
        for (unsigned i = 0; i < n; i++)
            if (!uses[i].locked && (next == NULL || uses[i].stripe < next->stripe))
                next = &uses[i];
        limit_stripe_lock(next->stripe);
        next->locked = true;
    }
}

static void
unlock_all(struct bucket_use *uses, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        limit_stripe_unlock(uses[i].stripe);
}

static enum bucket_outcome
judge(struct bucket_use *u, uint64_t now)
{
    u->entry = limit_find(u->stripe, u->hash, u->key);
    u->excess = 0;
    if (u->entry == NULL && u->only_looks)
        return BUCKET_PASSED;
    if (u->entry == NULL)
        u->entry = add(u->stripe, u->hash, u->key, u->rate, now);
    if (u->entry == NULL)
        return BUCKET_FULL;
    u->excess = level_with(u->entry, u->rate, now);
    return u->excess > u->burst ? BUCKET_REFUSED : BUCKET_PASSED;
}

static struct bucket_answer
judge_all(struct bucket_use *uses, unsigned n, uint64_t now)
{
    struct bucket_answer a = { BUCKET_PASSED, 0, 0, 0 };
    for (unsigned i = 0; i < n; i++) {
        a = (struct bucket_answer){ judge(&uses[i], now), i, uses[i].excess, 0 };
        if (a.outcome != BUCKET_PASSED)
            return a;
    }
    for (unsigned i = 0; i < n; i++)
        if (!uses[i].only_looks)
            count(uses[i].entry, uses[i].excess, now);
    return a;
}

static uint64_t
wait_of(const struct bucket_use *u)
{
    return u->excess > u->delay ? (u->excess - u->delay) * 1000 / u->rate : 0;
}

struct bucket_answer
buckets_take(struct bucket_use *uses, unsigned n, uint64_t now)
{
    for (unsigned i = 0; i < n; i++) {
        uses[i].hash = str_hash(uses[i].key);
        uses[i].stripe = limit_stripe_of(uses[i].table, uses[i].hash);
        uses[i].locked = false;
    }
    lock_all(uses, n);
    struct bucket_answer a = judge_all(uses, n, now);
    unlock_all(uses, n);
    if (a.outcome != BUCKET_PASSED)
        return a;
    for (unsigned i = n; i-- > 0;) { /* the last one's, unless another is longer */
        uint64_t wait = wait_of(&uses[i]);
        if (wait > a.delay_ms)
            a = (struct bucket_answer){ BUCKET_DELAYED, i, uses[i].excess, wait };
    }
    return a;
}

void
bucket_add(struct limit_table *t, struct str key, uint64_t rate, uint64_t now)
{
    uint64_t hash = str_hash(key);
    struct limit_stripe *s = limit_stripe_of(t, hash);
    limit_stripe_lock(s);
    struct limit_entry *e = limit_find(s, hash, key);
    if (e == NULL)
        e = add(s, hash, key, rate, now);
    if (e)
        count(e, level_with(e, rate, now), now);
    limit_stripe_unlock(s);
}
