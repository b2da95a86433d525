/* Key-value databases (keyval_zone): looked up by requests, changed by whoever administers, kept in
 * a state file. The state of a zone: common to all threads, going on over reloads.
 *
 * All functions may be called by any thread; a lock of the database's own is held for short. */
#pragma once

#include "exchange/zones/zone.h"

struct keyval;

enum keyval_type {
    KEYVAL_STRING, /* the key itself */
    KEYVAL_IP,     /* an address, a network or a range "a-b" that holds the address sought: the
                      longest network, else the narrowest range */
    KEYVAL_PREFIX, /* the longest key that the sought text begins with */
};

/* What a keyval_zone says: its zone's `own`. */
struct keyval_plan {
    enum keyval_type type;
    uint64_t timeout_ms; /* of pairs that say none; 0: they stay */
    struct str path;     /* of the state file, absolute, ends with NUL; STR_NONE: none */
    struct str text;     /* what is in it; STR_NONE: it is not there yet */
};

extern const struct zone_kind keyval_kind;

/* The value, copied into a. False: there is none, or its time is over. */
bool keyval_find(struct keyval *k, struct str key, struct arena *a, struct str *out);

enum keyval_result {
    KEYVAL_DONE,
    KEYVAL_EXISTS, /* add: there is one */
    KEYVAL_ABSENT, /* change, remove: there is none */
    KEYVAL_FULL,   /* the zone's size forbids it */
    KEYVAL_BAD     /* no key of this type */
};
/* timeout_ms 0: the zone's. Nothing is saved by these: keyval_save is. */
enum keyval_result keyval_add(struct keyval *k, struct str key, struct str value,
                              uint64_t timeout_ms);
enum keyval_result keyval_change(struct keyval *k, struct str key, struct str value,
                                 uint64_t timeout_ms);
enum keyval_result keyval_remove(struct keyval *k, struct str key);
void keyval_clear(struct keyval *k);
/* Every pair, in no order, under the lock. expires_ms: since 1970; 0: never. */
typedef void keyval_fn(void *arg, struct str key, struct str value, uint64_t expires_ms);
void keyval_each(struct keyval *k, keyval_fn *fn, void *arg);
/* Writes the state file, if there is one, whole or not at all; on a fiber, which is parked while an
 * off-load thread writes. What others change meanwhile is written by who writes already. 0 or
 * -errno (logged). */
int keyval_save(struct keyval *k);
