/* exchange/values/regex.c: patterns, captures, named captures, limits. */
#include "../stage.h"

#include "../../test.h"

static void
captures_are_views_into_the_subject(void **state)
{
    struct stage s;
    struct str subject = STR("/user/42/photo");
    assert_true(stage_open(&s, "pattern \"^/user/(\\d+)/(.*)$\"; text \"$2:$1:$3\";"));
    assert_true(regex_match(s.patterns[0], subject, &s.x));
    assert_ptr_equal(s.x.captures[1].p, subject.p + 6);
    assert_string_equal(stage_eval(&s), "photo:42:");
    stage_close(&s);
}

static void
a_group_that_took_no_part_is_empty(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "pattern \"^/(a)?(?<rest>b)?\"; text \"[$1|$rest]\";"));
    assert_true(regex_match(s.patterns[0], STR("/x"), &s.x));
    assert_string_equal(stage_eval(&s), "[|]");
    stage_close(&s);
}

static void
no_match_leaves_the_captures_alone(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "pattern \"^(a)\"; text $1;"));
    assert_true(regex_match(s.patterns[0], STR("a"), &s.x));
    assert_false(regex_match(s.patterns[0], STR("b"), &s.x));
    assert_string_equal(stage_eval(&s), "a");
    assert_true(regex_match(s.patterns[0], STR("a"), NULL));
    stage_close(&s);
}

static void
case_counts_unless_told(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "pattern \"\\.PNG$\"; pattern \"\\.PNG$\" nocase;"));
    assert_false(regex_match(s.patterns[0], STR("a.png"), NULL));
    assert_true(regex_match(s.patterns[1], STR("a.png"), NULL));
    stage_close(&s);
}

static void
bad_patterns_are_refused_in_nginxs_words(void **state)
{
    struct stage s;
    assert_false(stage_open(&s, "pattern \"(\";"));
    assert_string_equal(stage_problem(&s),
                        "pcre2_compile() failed: missing closing parenthesis in \"(\"");
    stage_close(&s);
    assert_false(stage_open(&s, "pattern \"a[z-a]b\";"));
    assert_string_equal(stage_problem(&s), "pcre2_compile() failed: range out of order in character"
                                           " class in \"a[z-a]b\" at \"a]b\"");
    stage_close(&s);
    assert_false(stage_open(&s, "pattern \"(?<host>a)\";"));
    assert_string_equal(stage_problem(&s), "the duplicate \"host\" variable");
    stage_close(&s);
}

static void
a_pattern_that_explodes_ends_at_its_limit(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "pattern \"^(a+)+$\";"));
    assert_false(
        regex_match(s.patterns[0], STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), NULL));
    stage_close(&s);
}

static void
groups_beyond_the_ninth_do_no_harm(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "pattern \"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(?<last>k)\"; "
                               "text \"$9$last\";"));
    assert_true(regex_match(s.patterns[0], STR("abcdefghijk"), &s.x));
    assert_string_equal(stage_eval(&s), "ik");
    stage_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures_are_views_into_the_subject),
        cmocka_unit_test(a_group_that_took_no_part_is_empty),
        cmocka_unit_test(no_match_leaves_the_captures_alone),
        cmocka_unit_test(case_counts_unless_told),
        cmocka_unit_test(bad_patterns_are_refused_in_nginxs_words),
        cmocka_unit_test(a_pattern_that_explodes_ends_at_its_limit),
        cmocka_unit_test(groups_beyond_the_ninth_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
