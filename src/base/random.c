/* xoshiro256** per thread, seeded by getrandom(2). */
#include "base/random.h"

#include "base/must.h"

#include <sys/random.h>

static uint64_t process_seed;

__attribute__((constructor)) static void
seed_process(void)
{
    random_bytes(&process_seed, sizeof process_seed);
}

uint64_t
random_seed(void)
{
    return process_seed;
}

void
random_bytes(void *out, size_t n)
{
    char *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0)
            continue;
        p += got;
        n -= (size_t)got;
    }
}

static inline uint64_t
rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t
random_u64(void)
{
    static __thread uint64_t s[4];
    if (!(s[0] | s[1] | s[2] | s[3]))
        random_bytes(s, sizeof s);
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t
random_below(uint64_t below)
{
    must(below > 0);
    return (uint64_t)(((__uint128_t)random_u64() * below) >> 64);
}
