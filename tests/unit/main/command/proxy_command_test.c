/* main/: `usher proxy` becomes a configuration that nobody can inject into. */
#include "main/command/proxy_command.h"

#include "../../test.h"

static struct str
ask(struct arena *a, const char *from, const char *to)
{
    char *argv[] = { (char *)"--from", (char *)(uintptr_t)from, (char *)"--to",
                     (char *)(uintptr_t)to, NULL };
    return proxy_command_configuration(argv, a);
}

static bool
holds(struct str text, const char *line)
{
    return text.p && str_find_str(text, str_of(line)) >= 0;
}

static void
every_backend_becomes_a_server(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct str text = ask(&a, ":8080", "10.0.0.1:80,http://b.example:81/,unix:/run/b.sock");
    assert_true(holds(text, "listen 8080;"));
    assert_true(holds(text, "server 10.0.0.1:80;"));
    assert_true(holds(text, "server b.example:81;"));
    assert_true(holds(text, "server unix:/run/b.sock;"));
    arena_fini(&a);
}

static void
a_port_alone_is_of_this_machine(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct str text = ask(&a, "8080", "3000,:3001,b:80");
    assert_true(holds(text, "server 127.0.0.1:3000;"));
    assert_true(holds(text, "server 127.0.0.1:3001;"));
    assert_true(holds(text, "server b:80;"));
    assert_null(ask(&a, ":1", "https://b").p);
    arena_fini(&a);
}

static void
nothing_that_would_end_a_word_is_taken(void **state)
{
    static const char *const bad[] = {
        "", "a b", "a;", "a}", "a{", "a\"", "a'", "$a", "a\n", "a#"
    };
    struct arena a;
    arena_init(&a, 0);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(ask(&a, bad[i], "b:1").p);
        assert_null(ask(&a, ":1", bad[i]).p);
    }
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_backend_becomes_a_server),
        cmocka_unit_test(a_port_alone_is_of_this_machine),
        cmocka_unit_test(nothing_that_would_end_a_word_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
