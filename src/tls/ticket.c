/* The ratchet. An epoch is an hour of the wall clock, so that all processes change at once. */
#include "tls/ticket.h"

#include "base/must.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <time.h>

enum {
    SECRET = 32,
    EPOCH_S = 3600,
    EPOCHS = 7 * 24 + 2, /* RFC 8446 4.6.1: no ticket lives longer than a week */
    LEAP_MAX = 1 << 20,  /* epochs; a clock that leaps farther was never set */
};

static struct {
    pthread_mutex_t lock;
    bool begun;
    uint64_t first; /* epoch of keys[0], which `secret` made */
    unsigned n;     /* the last is the present one's */
    unsigned reach; /* epochs before the present one that are wanted */
    uint64_t skipped;
    unsigned char secret[SECRET], next[SECRET]; /* of the first epoch, and after the last */
    struct ticket_key keys[EPOCHS];
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER, .reach = 1 };

/* --- From secrets to keys --- */

static void
hash_to(unsigned char *out, const unsigned char secret[SECRET], char label, size_t n)
{
    unsigned char in[SECRET + 1], digest[SHA512_DIGEST_LENGTH];
    memcpy(in, secret, SECRET);
    in[SECRET] = (unsigned char)label;
    SHA512(in, sizeof in, digest);
    memcpy(out, digest, n);
    OPENSSL_cleanse(in, sizeof in);
    OPENSSL_cleanse(digest, sizeof digest);
}

static void
make_key(struct ticket_key *k, const unsigned char secret[SECRET])
{
    hash_to(k->name, secret, 'n', sizeof k->name);
    hash_to(k->aes, secret, 'a', sizeof k->aes);
    hash_to(k->hmac, secret, 'h', sizeof k->hmac);
    k->size = 32;
}

static void
ratchet(unsigned char secret[SECRET])
{
    hash_to(secret, secret, 'r', SECRET);
}

/* --- The ring, under its lock --- */

static uint64_t
present_epoch(void)
{
    return (uint64_t)time(NULL) / EPOCH_S +
           ring.skipped; /* off-load threads have no cached clock */
}

static void
begin_at(uint64_t epoch, const unsigned char secret[SECRET])
{
    ring.begun = true;
    ring.first = epoch;
    ring.n = 1;
    memmove(ring.secret, secret, SECRET);
    make_key(&ring.keys[0], secret);
    memmove(ring.next, secret, SECRET);
    ratchet(ring.next);
}

static void
begin(void)
{
    unsigned char secret[SECRET];
    random_bytes(secret, sizeof secret);
    begin_at(present_epoch(), secret);
    OPENSSL_cleanse(secret, sizeof secret);
}

static void
forget_first(void)
{
    memmove(ring.keys, ring.keys + 1, (ring.n - 1) * sizeof *ring.keys);
    ring.n--;
    OPENSSL_cleanse(&ring.keys[ring.n], sizeof *ring.keys);
    ring.first++;
    ratchet(ring.secret);
}

static void
add_next(void)
{
    if (ring.n == EPOCHS)
        forget_first();
    make_key(&ring.keys[ring.n++], ring.next);
    ratchet(ring.next);
}

/* A clock that is set back changes nothing: the last key goes on. */
static void
advance(void)
{
    uint64_t now = present_epoch();
    if (!ring.begun || now > ring.first + LEAP_MAX)
        begin();
    while (ring.first + ring.n - 1 < now)
        add_next();
    while (ring.n > ring.reach + 1)
        forget_first();
}

/* --- Doors --- */

void
ticket_keys_begin(void)
{
    pthread_mutex_lock(&ring.lock);
    begin();
    pthread_mutex_unlock(&ring.lock);
}

void
ticket_keys_save(unsigned char out[TICKET_STATE_SIZE])
{
    pthread_mutex_lock(&ring.lock);
    advance();
    memcpy(out, &ring.first, sizeof ring.first);
    memcpy(out + sizeof ring.first, ring.secret, SECRET);
    pthread_mutex_unlock(&ring.lock);
}

bool
ticket_keys_load(struct str state)
{
    uint64_t epoch;
    if (state.n != TICKET_STATE_SIZE)
        return false;
    memcpy(&epoch, state.p, sizeof epoch);
    pthread_mutex_lock(&ring.lock);
    bool fine = epoch <= present_epoch() + 1;
    if (fine)
        begin_at(epoch, (const unsigned char *)state.p + sizeof epoch);
    pthread_mutex_unlock(&ring.lock);
    return fine;
}

void
ticket_keys_advance(void)
{
    pthread_mutex_lock(&ring.lock);
    advance();
    pthread_mutex_unlock(&ring.lock);
}

void
ticket_keys_reach(uint64_t ms)
{
    uint64_t epochs = ms / (EPOCH_S * 1000) + 1;
    if (epochs > EPOCHS - 1)
        epochs = EPOCHS - 1;
    pthread_mutex_lock(&ring.lock);
    if (ring.reach < epochs)
        ring.reach = (unsigned)epochs;
    pthread_mutex_unlock(&ring.lock);
}

void
ticket_key_present(struct ticket_key *out)
{
    pthread_mutex_lock(&ring.lock);
    advance();
    *out = ring.keys[ring.n - 1];
    pthread_mutex_unlock(&ring.lock);
}

enum ticket_match
ticket_key_find(const unsigned char name[TICKET_NAME], struct ticket_key *out)
{
    enum ticket_match match = TICKET_UNKNOWN;
    pthread_mutex_lock(&ring.lock);
    advance();
    for (unsigned i = ring.n; i-- > 0 && match == TICKET_UNKNOWN;) {
        if (memcmp(ring.keys[i].name, name, TICKET_NAME) != 0)
            continue;
        match = i == ring.n - 1 ? TICKET_OPENS : TICKET_RENEW;
        *out = ring.keys[i];
    }
    pthread_mutex_unlock(&ring.lock);
    return match;
}

void
ticket_keys_skip(uint64_t hours)
{
    pthread_mutex_lock(&ring.lock);
    ring.skipped += hours;
    pthread_mutex_unlock(&ring.lock);
}
