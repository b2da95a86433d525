/* A table of fixed size: a key has four places, and nothing grows. */
#include "exchange/auth/password_cache.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"

#include <openssl/hmac.h>
#include <pthread.h>

enum { SETS = 256, WAYS = 4, SECRET_SIZE = 32 };

struct slot {
    struct password_key key;
    uint64_t until_ms; /* 0: free */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SETS][WAYS]; /* under the lock */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned char secret[SECRET_SIZE];

static void
make_secret(void)
{
    random_bytes(secret, sizeof secret);
}

/* The user's length goes along, so that no two of them read the same. */
struct password_key
password_key_of(struct str stored, struct str user, struct str password)
{
    struct arena a;
    struct password_key key;
    unsigned n = sizeof key.v;
    pthread_once(&once, make_secret);
    arena_init(&a, 0);
    struct str text = arena_printf(&a, "%zu:%zu:" STR_FMT STR_FMT, stored.n, user.n,
                                   STR_ARG(stored), STR_ARG(user));
    text = arena_join(&a, text, password);
    must(HMAC(EVP_sha256(), secret, sizeof secret, (const unsigned char *)text.p, text.n, key.v,
              &n) != NULL);
    explicit_bzero((void *)(uintptr_t)text.p, text.n);
    arena_fini(&a);
    return key;
}

/* Where the key is, else the place whose time is over first. */
static struct slot *
place_of(const struct password_key *k)
{
    struct slot *set = slots[k->v[0] % SETS], *oldest = set;
    for (unsigned i = 0; i < WAYS; i++) {
        if (memcmp(&set[i].key, k, sizeof *k) == 0)
            return &set[i];
        if (set[i].until_ms < oldest->until_ms)
            oldest = &set[i];
    }
    return oldest;
}

bool
password_cache_has(const struct password_key *k)
{
    pthread_mutex_lock(&lock);
    const struct slot *s = place_of(k);
    bool has = s->until_ms > clock_ms() && memcmp(&s->key, k, sizeof *k) == 0;
    pthread_mutex_unlock(&lock);
    return has;
}

void
password_cache_add(const struct password_key *k, uint64_t ms)
{
    pthread_mutex_lock(&lock);
    struct slot *s = place_of(k);
    s->key = *k;
    s->until_ms = clock_ms() + ms;
    pthread_mutex_unlock(&lock);
}
