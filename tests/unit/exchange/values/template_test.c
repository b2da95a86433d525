/* exchange/values/template.c and variable.c: compiling and evaluating text with variables. */
#include "../stage.h"

#include "../../test.h"

#include <stdio.h>

static void
expect(const char *template, const char *value)
{
    struct stage s;
    char text[512];
    snprintf(text, sizeof text, "text \"%s\";", template);
    if (!stage_open(&s, text))
        fail_msg("%s: %s", template, stage_problem(&s));
    assert_string_equal(stage_eval(&s), value);
    stage_close(&s);
}

static void
refuse(const char *template, const char *problem)
{
    struct stage s;
    char text[512];
    snprintf(text, sizeof text, "text \"%s\";", template);
    assert_false(stage_open(&s, text));
    assert_string_equal(stage_problem(&s), problem);
    stage_close(&s);
}

static void
variables_stand_alone_in_braces_and_between_text(void **state)
{
    expect("plain", "plain");
    expect("", "");
    expect("$host", "example.com");
    expect("http://${host}$uri$is_args$args", "http://example.com/a?x=1");
    expect("${host}x", "example.comx");
    expect("$arg_x-$arg_none-", "1--");
    expect("a$1b$99", "ab9");
}

static void
names_are_known_in_any_case(void **state)
{
    expect("$Host $HOST", "example.com example.com");
}

static void
faulty_templates_are_refused_in_nginxs_words(void **state)
{
    refuse("$", "invalid variable name");
    refuse("a$-", "invalid variable name");
    refuse("${}", "invalid variable name");
    refuse("${host", "the closing bracket in \"host\" variable is missing");
    refuse("${ho-st}", "the closing bracket in \"ho\" variable is missing");
    refuse("$foo", "unknown \"foo\" variable");
    refuse("$0", "unknown \"0\" variable");
}

static void
a_template_without_variables_is_plain(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "text a; text $host;"));
    assert_true(template_is_plain(s.texts[0]));
    assert_true(str_eq(template_plain(s.texts[0]), STR("a")));
    assert_false(template_is_plain(s.texts[1]));
    assert_null(template_plain(s.texts[1]).p);
    stage_close(&s);
}

static void
a_lone_variable_is_not_copied(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "text $uri;"));
    assert_ptr_equal(template_eval(s.texts[0], &s.x).p, s.x.uri.p);
    stage_close(&s);
}

static void
a_variable_may_be_defined_after_its_use(void **state)
{
    struct stage s;
    static struct core_settings core;
    static struct location root = { .core = &core };
    static const struct virtual_server server = { .root = &root };
    assert_true(stage_open(&s, "text \"<$word>\"; pattern \"(?<word>[a-z]+)\";"));
    s.x.server = &server; /* whose settings say whether to warn */
    assert_string_equal(stage_eval(&s), "<>");
    assert_true(regex_match(s.patterns[0], STR("12abc3"), &s.x));
    assert_string_equal(stage_eval(&s), "<abc>");
    stage_close(&s);
}

static void
a_value_that_grows_too_large_fails_the_exchange(void **state)
{
    struct stage s;
    static char big[TEMPLATE_MAX];
    static const struct error_log silent = { 0 };
    error_log_set_global(&silent);
    memset(big, 'x', sizeof big);
    assert_true(stage_open(&s, "text \"$uri$uri\";"));
    s.x.uri = (struct str){ big, sizeof big };
    assert_null(template_eval(s.texts[0], &s.x).p);
    assert_int_equal(s.x.fault, FAULT_VALUE_TOO_LARGE);
    error_log_set_global(NULL);
    stage_close(&s);
}

static void
conditions_hold_unless_empty_or_zero(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "text $arg_x; text 0; text ''; text 00; text $arg_none;"));
    bool expected[] = { true, false, false, true, false };
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(template_true(s.texts[i], &s.x), expected[i]);
    stage_close(&s);
}

static void
a_value_is_computed_once_unless_volatile(void **state)
{
    struct stage s;
    assert_true(stage_open(&s, "text \"$request_id $request_id $uri\";"));
    const char *first = stage_eval(&s);
    assert_memory_equal(first, first + 33, 32);
    s.x.uri = STR("/changed");
    const char *second = stage_eval(&s);
    assert_memory_equal(first, second, 66);
    assert_string_equal(second + 66, "/changed");
    stage_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_stand_alone_in_braces_and_between_text),
        cmocka_unit_test(names_are_known_in_any_case),
        cmocka_unit_test(faulty_templates_are_refused_in_nginxs_words),
        cmocka_unit_test(a_template_without_variables_is_plain),
        cmocka_unit_test(a_lone_variable_is_not_copied),
        cmocka_unit_test(a_variable_may_be_defined_after_its_use),
        cmocka_unit_test(a_value_that_grows_too_large_fails_the_exchange),
        cmocka_unit_test(conditions_hold_unless_empty_or_zero),
        cmocka_unit_test(a_value_is_computed_once_unless_volatile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
