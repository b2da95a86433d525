/* The state of a key-value database: what was read is written, and what was written is read as the
 * same; the table finds what it holds. The first byte is the type of the keys. */
#include "exchange/zones/keyval_state.h"
#include "target.h"

#include <stdlib.h>

enum { NOW = 1000, LATER = 2000 };

static void
check_pair(void *arg, struct str key, struct str value, uint64_t expires_ms)
{
    struct keyval_table *t = arg;
    must(expires_ms == 0 || expires_ms > NOW);
    must(key.n <= KEYVAL_KEY_MAX);
    if (t->type == KEYVAL_IP) /* a range's own text is none of its addresses */
        return;
    struct str found = keyval_table_find(t, key, NOW);
    must(found.p != NULL && str_eq(found, value));
}

static void
check_again(const struct keyval_table *t)
{
    struct keyval_problem p;
    struct keyval_table other;
    char *text = keyval_state_print(t, NOW), *again;
    must(text != NULL);
    keyval_table_init(&other, t->type, 1 << 20);
    must(keyval_state_read(&other, str_of(text), 0, NOW, &p));
    must((again = keyval_state_print(&other, NOW)) != NULL);
    must(str_eq(str_of(text), str_of(again)));
    free(text);
    free(again);
    keyval_table_fini(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyval_problem p = { "" };
    struct keyval_table t;
    if (size < 1)
        return 0;
    struct str text = { (const char *)data + 1, size - 1 };
    keyval_table_init(&t, (enum keyval_type)(data[0] % 3), 1 << 16);
    bool good = keyval_state_read(&t, text, data[0] & 4 ? LATER : 0, NOW, &p);
    must(good || p.text[0]);
    keyval_table_each(&t, check_pair, &t, NOW);
    if (good)
        check_again(&t);
    (void)keyval_table_find(&t, text, NOW);
    keyval_table_fini(&t);
    return 0;
}
