/* What limits count: a table of keys and a few numbers each, in one block of the zone's size.
 *
 * Common to all threads: the block is cut into stripes, each with a lock, its own cells and its own
 * order of use; a key belongs to one stripe. Nothing is allocated after the opening, and pages that
 * were never used cost no memory. A key takes one cell of 64 bytes up to 24 bytes of it, and
 * another one for each 60 bytes more; keys are compared whole. */
#pragma once

#include "base/str.h"

enum { LIMIT_KEY_MAX = 65535 };

struct limit_table;
struct limit_stripe;

/* A key's cell; links and key are the table's. */
struct limit_entry {
    uint32_t chained, newer, older, more;
    uint32_t hash;
    uint16_t key_n;
    bool fresh;     /* just added: its numbers are zero */
    bool used;      /* looked for since it was put into its place in the order */
    uint64_t level; /* requests above the rate, in thousandths; or connections */
    uint64_t last_ms;
    char key[24];
};

/* NULL with errno. */
struct limit_table *limit_table_open(uint64_t size);
void limit_table_close(struct limit_table *t);

/* The stripe of a key, not locked yet. Stripes of several tables are locked in the order of their
 * addresses. */
struct limit_stripe *limit_stripe_of(struct limit_table *t, uint64_t hash);
void limit_stripe_lock(struct limit_stripe *s);
void limit_stripe_unlock(struct limit_stripe *s);

/* How many requests are being held for the table's sake; whoever counts, uncounts. */
_Atomic unsigned *limit_table_held(struct limit_table *t);

/* All that follow: under the stripe's lock. The hash is str_hash of the key. */
/* NULL when there is none. */
struct limit_entry *limit_find(struct limit_stripe *s, uint64_t hash, struct str key);
/* One that is not there yet. NULL when the stripe is full. */
struct limit_entry *limit_add(struct limit_stripe *s, uint64_t hash, struct str key);
/* One that was added long ago and not looked for since its last turn, as far as a bounded search
 * tells; NULL when the stripe is empty. */
struct limit_entry *limit_oldest(struct limit_stripe *s);
void limit_remove(struct limit_stripe *s, struct limit_entry *e);
