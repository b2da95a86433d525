/* limits: what limit_req and limit_conn cost a request: nanoseconds, by how many keys come. */
#include "base/random.h"
#include "exchange/limits/bucket.h"

#include <stdio.h>
#include <time.h>

enum { ROUNDS = 4000000, ZONE = 10 << 20 };

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
come_and_go(struct limit_table *t, struct str key)
{
    uint64_t hash = str_hash(key);
    struct limit_stripe *s = limit_stripe_of(t, hash);
    limit_stripe_lock(s);
    struct limit_entry *e = limit_find(s, hash, key);
    if (e == NULL)
        e = limit_add(s, hash, key);
    e->level++;
    limit_stripe_unlock(s);
    limit_stripe_lock(s);
    if (--e->level == 0)
        limit_remove(s, e);
    limit_stripe_unlock(s);
}

static void
measure(uint64_t keys)
{
    struct limit_table *req = limit_table_open(ZONE), *conn = limit_table_open(ZONE);
    double began = now();
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint32_t number = (uint32_t)random_below(keys);
        struct bucket_use u = { .table = req,
                                .key = { (char *)&number, sizeof number },
                                .rate = 1000000,
                                .burst = 1000000,
                                .delay = UINT64_MAX };
        (void)buckets_take(&u, 1, 1000 + i / 1000);
        come_and_go(conn, u.key);
    }
    printf("%7llu keys: %.0f ns for limit_req and limit_conn\n", (unsigned long long)keys,
           (now() - began) * 1e9 / ROUNDS);
    limit_table_close(req);
    limit_table_close(conn);
}

int
main(void)
{
    measure(1);
    measure(1000);
    measure(10000);
    measure(100000);
    return 0;
}
