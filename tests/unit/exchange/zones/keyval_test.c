/* exchange/keyval*.c: pairs, what they are sought by, and their state file. */
#include "exchange/zones/keyval_state.h"

#include "fiber/loop.h"
#include "fiber/offload.h"

#include "../../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct keyval_table t;

static void
put(const char *key, const char *value, uint64_t expires_ms)
{
    assert_int_equal(
        keyval_table_put(&t, str_of(key), str_of(value), expires_ms, KEYVAL_PUT_NEW, 0),
        KEYVAL_DONE);
}

static const char *
find_at(const char *key, uint64_t now_ms)
{
    static char text[64];
    struct str value = keyval_table_find(&t, str_of(key), now_ms);
    (void)snprintf(text, sizeof text, STR_FMT, STR_ARG(value));
    return value.p ? text : "none";
}

static void
texts_are_found_as_they_are(void **state)
{
    keyval_table_init(&t, KEYVAL_STRING, 1 << 20);
    put("one", "1", 0);
    put("One", "2", 0);
    put("", "empty", 0);
    assert_string_equal(find_at("one", 0), "1");
    assert_string_equal(find_at("One", 0), "2");
    assert_string_equal(find_at("", 0), "empty");
    assert_string_equal(find_at("on", 0), "none");
    keyval_table_fini(&t);
}

static void
the_longest_beginning_is_found(void **state)
{
    keyval_table_init(&t, KEYVAL_PREFIX, 1 << 20);
    put("/a", "a", 0);
    put("/a/b", "ab", 10);
    put("/", "root", 0);
    assert_string_equal(find_at("/a/b/c", 0), "ab");
    assert_string_equal(find_at("/a/b/c", 10), "a");
    assert_string_equal(find_at("/a/", 0), "a");
    assert_string_equal(find_at("/b", 0), "root");
    assert_string_equal(find_at("b", 0), "none");
    put("", "all", 0);
    assert_string_equal(find_at("b", 0), "all");
    keyval_table_fini(&t);
}

static void
the_longest_network_is_found_else_the_narrowest_range(void **state)
{
    keyval_table_init(&t, KEYVAL_IP, 1 << 20);
    put("10.0.0.0/8", "ten", 0);
    put("10.1.2.3", "host", 0);
    put("10.1.0.0/16", "ten-one", 0);
    put("192.0.2.1-192.0.2.90", "wide", 0);
    put("192.0.2.5 - 192.0.2.9", "narrow", 0);
    put("192.0.2.0-192.0.2.255", "widest", 0);
    put("2001:db8::/32", "six", 0);
    put("::1", "loop", 0);
    assert_string_equal(find_at("10.1.2.3", 0), "host");
    assert_string_equal(find_at("10.1.2.4", 0), "ten-one");
    assert_string_equal(find_at("10.2.2.4", 0), "ten");
    assert_string_equal(find_at("11.2.2.4", 0), "none");
    assert_string_equal(find_at("192.0.2.6", 0), "narrow");
    assert_string_equal(find_at("192.0.2.4", 0), "wide");
    assert_string_equal(find_at("192.0.2.200", 0), "widest");
    assert_string_equal(find_at("2001:db8:1::1", 0), "six");
    assert_string_equal(find_at("::1", 0), "loop");
    assert_string_equal(find_at("::2", 0), "none");
    assert_string_equal(find_at("10.0.0.0/8", 0), "none");
    assert_string_equal(find_at("x", 0), "none");
    assert_int_equal(keyval_table_remove(&t, STR("192.0.2.5-192.0.2.9"), 0), KEYVAL_DONE);
    assert_string_equal(find_at("192.0.2.6", 0), "wide");
    assert_int_equal(keyval_table_remove(&t, STR("10.1.2.3"), 0), KEYVAL_DONE);
    assert_string_equal(find_at("10.1.2.3", 0), "ten-one");
    keyval_table_fini(&t);
}

static void
what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "x",
                                       "10.0.0.0/33",
                                       "1.2.3.4-",
                                       "1.2.3.4-1.2.3.3",
                                       "1.2.3.4-::1",
                                       "1.2.3.0/24-1.2.4.0",
                                       "unix:",
                                       NULL };
    keyval_table_init(&t, KEYVAL_IP, 1 << 20);
    for (const char *const *b = bad; *b; b++)
        assert_int_equal(keyval_table_put(&t, str_of(*b), STR("v"), 0, KEYVAL_PUT_ANY, 0),
                         KEYVAL_BAD);
    keyval_table_fini(&t);
}

static void
a_pair_is_new_or_old(void **state)
{
    keyval_table_init(&t, KEYVAL_STRING, 1 << 20);
    put("a", "1", 10);
    assert_int_equal(keyval_table_put(&t, STR("a"), STR("2"), 0, KEYVAL_PUT_NEW, 0), KEYVAL_EXISTS);
    assert_int_equal(keyval_table_put(&t, STR("b"), STR("2"), 0, KEYVAL_PUT_OLD, 0), KEYVAL_ABSENT);
    assert_int_equal(keyval_table_put(&t, STR("a"), STR("3"), 10, KEYVAL_PUT_OLD, 0), KEYVAL_DONE);
    assert_string_equal(find_at("a", 9), "3");
    assert_string_equal(find_at("a", 10), "none");
    assert_int_equal(keyval_table_remove(&t, STR("a"), 10), KEYVAL_ABSENT);
    assert_int_equal(t.n, 0);
    keyval_table_fini(&t);
}

static void
a_full_table_makes_room_of_what_has_expired(void **state)
{
    char key[16];
    unsigned n = 0;
    keyval_table_init(&t, KEYVAL_STRING, 32768);
    for (; n < 10000; n++) {
        (void)snprintf(key, sizeof key, "%u", n);
        if (keyval_table_put(&t, str_of(key), STR("value"), n % 2 ? 10 : 0, KEYVAL_PUT_NEW, 0) !=
            KEYVAL_DONE)
            break;
    }
    assert_in_range(n, 100, 1000);
    assert_true(t.used <= t.size);
    assert_int_equal(keyval_table_put(&t, STR("x"), STR("v"), 0, KEYVAL_PUT_NEW, 9), KEYVAL_FULL);
    assert_int_equal(keyval_table_put(&t, STR("x"), STR("v"), 0, KEYVAL_PUT_NEW, 10), KEYVAL_DONE);
    assert_in_range(t.n, n / 2, n / 2 + 2);
    assert_string_equal(find_at("0", 10), "value");
    keyval_table_clear(&t);
    assert_int_equal(t.used, 0);
    keyval_table_fini(&t);
}

static void
a_state_file_says_what_it_was_told(void **state)
{
    struct keyval_problem problem;
    keyval_table_init(&t, KEYVAL_STRING, 1 << 20);
    put("a\"b", "1\n", 0);
    put("later", "2", 5000);
    put("gone", "3", 10);
    char *text = keyval_state_print(&t, 20);
    keyval_table_clear(&t);
    assert_null(strstr(text, "gone"));
    assert_true(keyval_state_read(&t, str_of(text), 77, 20, &problem));
    assert_string_equal(find_at("a\"b", 20), "1\n");
    assert_string_equal(find_at("a\"b", 77), "none");
    assert_string_equal(find_at("later", 4999), "2");
    assert_string_equal(find_at("later", 5000), "none");
    free(text);
    keyval_table_fini(&t);
}

static void
a_faulty_state_file_is_told_of(void **state)
{
    static const char *const bad[] = { "",
                                       "[]",
                                       "{",
                                       "{\"a\":1}",
                                       "{\"a\":{}}",
                                       "{\"a\":{\"value\":\"v\",\"expire\":\"x\"}}",
                                       "{\"a\":{\"value\":\"v\",\"expire\":-1}}",
                                       "{\"a\":\"b\"} x",
                                       NULL };
    struct keyval_problem problem;
    for (const char *const *b = bad; *b; b++) {
        keyval_table_init(&t, KEYVAL_STRING, 1 << 20);
        problem.text[0] = 0;
        assert_false(keyval_state_read(&t, str_of(*b), 0, 0, &problem));
        assert_true(problem.text[0]);
        keyval_table_fini(&t);
    }
}

/* --- the whole --- */

static char path[] = "/tmp/keyval-XXXXXX";

static void
change_and_save(void *arg)
{
    struct keyval *k = arg;
    struct arena a;
    struct str value;
    arena_init(&a, 0);
    assert_int_equal(keyval_add(k, STR("key"), STR("value"), 0), KEYVAL_DONE);
    assert_int_equal(keyval_add(k, STR("key"), STR("value"), 0), KEYVAL_EXISTS);
    assert_int_equal(keyval_change(k, STR("key"), STR("new"), 60000), KEYVAL_DONE);
    assert_true(keyval_find(k, STR("key"), &a, &value) && str_eq(value, STR("new")));
    assert_int_equal(keyval_remove(k, STR("none")), KEYVAL_ABSENT);
    assert_int_equal(keyval_save(k), 0);
    arena_fini(&a);
    offload_fini();
}

static void
changes_are_saved_and_read_again(void **state)
{
    close(mkstemp(path));
    struct keyval_plan plan = { .path = str_of(path), .text = STR("{\"old\": \"1\"}") };
    struct zone zone = { .kind = &keyval_kind, .size = 32768, .own = &plan };
    struct keyval *k = keyval_kind.open(&zone);
    assert_int_equal(loop_run_fiber(change_and_save, k), 0);
    keyval_kind.close(k);
    char text[512] = "";
    FILE *f = fopen(path, "r");
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    (void)fclose(f);
    assert_non_null(strstr(text, "\"old\": \"1\""));
    assert_non_null(strstr(text, "\"value\": \"new\""));
    plan.text = str_of(text);
    k = keyval_kind.open(&zone);
    assert_non_null(k);
    keyval_clear(k);
    keyval_kind.close(k);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_found_as_they_are),
        cmocka_unit_test(the_longest_beginning_is_found),
        cmocka_unit_test(the_longest_network_is_found_else_the_narrowest_range),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_pair_is_new_or_old),
        cmocka_unit_test(a_full_table_makes_room_of_what_has_expired),
        cmocka_unit_test(a_state_file_says_what_it_was_told),
        cmocka_unit_test(a_faulty_state_file_is_told_of),
        cmocka_unit_test(changes_are_saved_and_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
