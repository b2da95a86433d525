/* exchange/limits/limit_table.c: keys in a block of fixed size. */
#include "exchange/limits/limit_table.h"

#include "../../test.h"

#include <stdio.h>

static struct limit_table *table;
static struct limit_stripe *stripe;

/* The smallest zone has one stripe. */
static int
open_small(void **state)
{
    table = limit_table_open(32 << 10);
    stripe = limit_stripe_of(table, 0);
    assert_ptr_equal(stripe, limit_stripe_of(table, UINT64_MAX));
    return 0;
}

static int
close_small(void **state)
{
    limit_table_close(table);
    return 0;
}

static struct limit_entry *
add(const char *key)
{
    return limit_add(stripe, str_hash(str_of(key)), str_of(key));
}

static struct limit_entry *
find(const char *key)
{
    return limit_find(stripe, str_hash(str_of(key)), str_of(key));
}

static void
a_key_is_found_until_it_is_removed(void **state)
{
    assert_null(find("a"));
    struct limit_entry *a = add("a"), *b = add("b");
    assert_true(a->fresh);
    assert_ptr_equal(find("a"), a);
    assert_ptr_equal(find("b"), b);
    limit_remove(stripe, a);
    assert_null(find("a"));
    assert_ptr_equal(find("b"), b);
    limit_remove(stripe, b);
    assert_null(limit_oldest(stripe));
}

static void
keys_that_share_a_hash_are_told_apart(void **state)
{
    struct limit_entry *a = limit_add(stripe, 7, STR("a")), *b = limit_add(stripe, 7, STR("b"));
    assert_ptr_equal(limit_find(stripe, 7, STR("a")), a);
    assert_ptr_equal(limit_find(stripe, 7, STR("b")), b);
    assert_null(limit_find(stripe, 7, STR("c")));
    limit_remove(stripe, b);
    assert_ptr_equal(limit_find(stripe, 7, STR("a")), a);
}

static void
the_last_byte_of_a_long_key_counts(void **state)
{
    char key[2][6000];
    size_t lengths[] = { 23, 24, 25, 83, 84, 85, 144, 6000 };
    memset(key, 'x', sizeof key);
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n = lengths[i];
        struct str one = { key[0], n }, two = { key[1], n };
        key[1][n - 1] = 'y';
        struct limit_entry *a = limit_add(stripe, 1, one), *b = limit_add(stripe, 1, two);
        assert_ptr_equal(limit_find(stripe, 1, one), a);
        assert_ptr_equal(limit_find(stripe, 1, two), b);
        assert_null(limit_find(stripe, 1, str_head(one, n - 1)));
        limit_remove(stripe, a);
        limit_remove(stripe, b);
        key[1][n - 1] = 'x';
    }
}

/* What is full says so, and all of it can be used again. */
static unsigned
fill(size_t length)
{
    char text[1000] = { 0 };
    unsigned n = 0;
    do
        snprintf(text, sizeof text, "%u", n);
    while (limit_add(stripe, n, (struct str){ text, length }) && ++n);
    return n;
}

static void
a_full_table_can_be_emptied_and_filled_again(void **state)
{
    unsigned short_keys = fill(16), long_keys;
    assert_in_range(short_keys, 440, 512);
    while (limit_oldest(stripe))
        limit_remove(stripe, limit_oldest(stripe));
    long_keys = fill(100);
    assert_in_range(long_keys, short_keys / 3, short_keys / 3 + 1);
    while (limit_oldest(stripe))
        limit_remove(stripe, limit_oldest(stripe));
    assert_int_equal(fill(16), short_keys);
}

static void
the_oldest_is_the_one_not_looked_for(void **state)
{
    struct limit_entry *b;
    add("a");
    b = add("b");
    struct limit_entry *c = add("c");
    find("a");
    assert_ptr_equal(limit_oldest(stripe), b);
    find("b");
    assert_ptr_equal(limit_oldest(stripe), c);
}

static void
where_all_were_looked_for_one_has_to_go_yet(void **state)
{
    static const char *const names[] = { "a", "b", "c" };
    struct limit_entry *a = add(names[0]);
    add(names[1]);
    add(names[2]);
    for (unsigned i = 0; i < 3; i++)
        find(names[i]);
    assert_ptr_equal(limit_oldest(stripe), a);
    assert_ptr_equal(limit_oldest(stripe), a);
    limit_remove(stripe, a);
    assert_non_null(limit_oldest(stripe));
}

static void
a_size_beyond_all_memory_is_refused(void **state)
{
    assert_null(limit_table_open(UINT64_MAX / 2));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_found_until_it_is_removed, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(keys_that_share_a_hash_are_told_apart, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(the_last_byte_of_a_long_key_counts, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(a_full_table_can_be_emptied_and_filled_again, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(the_oldest_is_the_one_not_looked_for, open_small,
                                        close_small),
        cmocka_unit_test_setup_teardown(where_all_were_looked_for_one_has_to_go_yet, open_small,
                                        close_small),
        cmocka_unit_test(a_size_beyond_all_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
