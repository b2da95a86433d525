/* exchange/auth/password_check: what htpasswd, openssl and crypt(3) have stored. */
#include "exchange/auth/password_check.h"

#include "exchange/auth/password_cache.h"

#include "../../test.h"

#include <stdio.h>

static const char *const stored[] = {
    "{PLAIN}secret",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/",
    "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
    "abNANd1rDfiNc",
};

static void
the_password_is_known_and_no_other(void **state)
{
    static const char *const wrong[] = { "", "secre", "secret ", "Secret", "secretsecret" };
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++) {
        if (!password_matches(str_of(stored[i]), STR("secret")))
            fail_msg("%s", stored[i]);
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
            assert_false(password_matches(str_of(stored[i]), str_of(wrong[k])));
        assert_false(password_matches(str_of(stored[i]), STR("secret\0x")));
    }
}

static void
nonsense_is_nobodys_password(void **state)
{
    static const char *const nonsense[] = { "",           "*",      "*0",        "x",     "!",
                                            "{SHA}",      "{SSHA}", "{SHA}AAAA", "$apr1", "$apr1$",
                                            "$apr1$$",    "$2y$",   "$6$",       "$y$",   "{FOO}x",
                                            "{SSHA}AAAA", "$9$x$y" };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        assert_false(password_matches(str_of(nonsense[i]), STR("")));
        assert_false(password_matches(str_of(nonsense[i]), STR("x")));
        assert_false(password_matches(str_of(nonsense[i]), STR("secret")));
    }
}

static void
long_passwords_are_passwords(void **state)
{
    char text[600];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
        assert_false(password_matches(str_of(stored[i]), (struct str){ text, sizeof text }));
    assert_true(password_is_slow(STR("$2y$10$x")) && password_is_slow(STR("abDx1zFPs2yB6")));
    assert_false(password_is_slow(STR("{PLAIN}x")) || password_is_slow(STR("{SSHA}x")));
}

static void
a_success_is_remembered_for_its_user_and_its_stored_form(void **state)
{
    struct password_key key = password_key_of(STR("$1$a"), STR("user"), STR("secret"));
    struct password_key others[] = { password_key_of(STR("$1$b"), STR("user"), STR("secret")),
                                     password_key_of(STR("$1$a"), STR("users"), STR("ecret")),
                                     password_key_of(STR("$1$a"), STR("use"), STR("rsecret")),
                                     password_key_of(STR("$1$au"), STR("ser"), STR("secret")),
                                     password_key_of(STR("$1$a"), STR("user"), STR("secre")) };
    assert_false(password_cache_has(&key));
    password_cache_add(&key, 100000);
    assert_true(password_cache_has(&key));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(password_cache_has(&others[i]));
    password_cache_add(&others[0], 0);
    assert_false(password_cache_has(&others[0]));
}

static void
the_cache_forgets_rather_than_grows(void **state)
{
    struct password_key first = password_key_of(STR("a"), STR("b"), STR("c"));
    unsigned kept = 0;
    password_cache_add(&first, 1000);
    for (unsigned i = 0; i < 20000; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%u", i);
        struct password_key key =
            password_key_of(STR("a"), STR("b"), (struct str){ text, (size_t)n });
        password_cache_add(&key, 100000);
        assert_true(password_cache_has(&key));
    }
    for (unsigned i = 0; i < 20000; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%u", i);
        struct password_key key =
            password_key_of(STR("a"), STR("b"), (struct str){ text, (size_t)n });
        kept += password_cache_has(&key);
    }
    assert_in_range(kept, 1, 1024);
    assert_false(password_cache_has(&first));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_is_known_and_no_other),
        cmocka_unit_test(nonsense_is_nobodys_password),
        cmocka_unit_test(long_passwords_are_passwords),
        cmocka_unit_test(a_success_is_remembered_for_its_user_and_its_stored_form),
        cmocka_unit_test(the_cache_forgets_rather_than_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
