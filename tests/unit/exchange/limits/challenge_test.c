/* exchange/limits/challenge.c: what is signed, what is solved, and where one may go back to. */
#include "exchange/limits/challenge.h"

#include "../../test.h"

#include <stdio.h>

static const struct challenge ours = { .difficulty = 8, .secret = "one", .key_secret = "two" };

static struct str
sign(const struct challenge *c, enum challenge_kind kind, const char *zone, const char *key,
     uint64_t moment)
{
    static char token[CHALLENGE_TOKEN_TEXT];
    struct challenge_whom whom = challenge_for(c, str_of(zone), str_of(key));
    challenge_sign(c, kind, &whom, moment, token);
    return (struct str){ token, sizeof token };
}

static bool
is_good(const struct challenge *c, enum challenge_kind kind, const char *zone, const char *key,
        struct str token)
{
    struct challenge_whom whom = challenge_for(c, str_of(zone), str_of(key));
    uint64_t moment;
    return challenge_read(c, kind, &whom, token, &moment) && moment == 1700000000;
}

static void
a_token_is_good_for_one_purpose_zone_and_key(void **state)
{
    struct challenge theirs = { .difficulty = 8, .secret = "other", .key_secret = "two" };
    struct str token = sign(&ours, CHALLENGE_TASK, "z", "k", 1700000000);
    assert_true(is_good(&ours, CHALLENGE_TASK, "z", "k", token));
    assert_false(is_good(&ours, CHALLENGE_PASS, "z", "k", token));
    assert_false(is_good(&ours, CHALLENGE_WAIT, "z", "k", token));
    assert_false(is_good(&ours, CHALLENGE_TASK, "y", "k", token));
    assert_false(is_good(&ours, CHALLENGE_TASK, "z", "l", token));
    assert_false(is_good(&ours, CHALLENGE_TASK, "", "zk", token));
    assert_false(is_good(&theirs, CHALLENGE_TASK, "z", "k", token));
}

static void
no_changed_bit_is_overlooked(void **state)
{
    struct str token = sign(&ours, CHALLENGE_PASS, "z", "k", 1700000000);
    for (unsigned i = 0; i < CHALLENGE_TOKEN_TEXT * 8; i++) {
        char bent[CHALLENGE_TOKEN_TEXT];
        memcpy(bent, token.p, sizeof bent);
        bent[i / 8] ^= (char)(1 << i % 8);
        assert_false(is_good(&ours, CHALLENGE_PASS, "z", "k", (struct str){ bent, sizeof bent }));
    }
    assert_false(is_good(&ours, CHALLENGE_PASS, "z", "k", str_head(token, 39)));
    assert_false(is_good(&ours, CHALLENGE_PASS, "z", "k", STR("")));
}

static void
a_solution_is_found_by_trying_and_no_other_is_taken(void **state)
{
    struct str token = sign(&ours, CHALLENGE_TASK, "z", "k", 1700000000);
    unsigned solved = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char text[8];
        int n = snprintf(text, sizeof text, "%u", i);
        solved += challenge_is_solved(&ours, token, (struct str){ text, (size_t)n });
    }
    assert_in_range(solved, 40, 130); /* one in 256 */
    static const char *const bad[] = { "", "-1", "0x1", " 1", "1e3", "1234567890123456" };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(
            challenge_is_solved(&(struct challenge){ .difficulty = 1 }, token, str_of(bad[i])));
}

static void
way_is(const char *wanted, const char *way)
{
    struct str got = challenge_way_back(str_of(wanted));
    assert_int_equal(got.n, strlen(way));
    assert_memory_equal(got.p, way, got.n);
}

static void
the_way_back_is_a_path_of_this_site(void **state)
{
    way_is("/a?b=//c", "/a?b=//c");
    way_is("/", "/");
    way_is("", "/");
    way_is("a", "/");
    way_is("//evil", "/");
    way_is("/\\evil", "/");
    way_is("/a\\b", "/");
    way_is("/\t/evil", "/");
    way_is("/a\r\nb", "/");
    way_is("/a b", "/");
    way_is("https://evil/", "/");
    way_is("/caf\xc3\xa9", "/caf\xc3\xa9");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_good_for_one_purpose_zone_and_key),
        cmocka_unit_test(no_changed_bit_is_overlooked),
        cmocka_unit_test(a_solution_is_found_by_trying_and_no_other_is_taken),
        cmocka_unit_test(the_way_back_is_a_path_of_this_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
