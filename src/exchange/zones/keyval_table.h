/* The pairs of a key-value database, without lock or file. */
#pragma once

#include "exchange/zones/keyval.h"

enum { KEYVAL_KEY_MAX = 1024, KEYVAL_CLASSES = KEYVAL_KEY_MAX + 1 };

struct keyval_table {
    enum keyval_type type;
    uint64_t size, used; /* bytes: what the zone allows, and what pairs take of it */
    struct keyval_entry **slots;
    size_t cap, n;
    struct keyval_entry *ranges;
    unsigned classes[KEYVAL_CLASSES]; /* pairs by length: bytes of prefixes, bits of networks */
};

void keyval_table_init(struct keyval_table *t, enum keyval_type type, uint64_t size);
void keyval_table_clear(struct keyval_table *t);
void keyval_table_fini(struct keyval_table *t);
/* STR_NONE: nothing that has not expired at now_ms. Lives until the table is changed. */
struct str keyval_table_find(const struct keyval_table *t, struct str key, uint64_t now_ms);
enum keyval_put { KEYVAL_PUT_NEW, KEYVAL_PUT_OLD, KEYVAL_PUT_ANY };
enum keyval_result keyval_table_put(struct keyval_table *t, struct str key, struct str value,
                                    uint64_t expires_ms, enum keyval_put how, uint64_t now_ms);
enum keyval_result keyval_table_remove(struct keyval_table *t, struct str key, uint64_t now_ms);
void keyval_table_each(const struct keyval_table *t, keyval_fn *fn, void *arg, uint64_t now_ms);
