/* main/: every directive of the whole program is documented, and its example parses. */
#include "main/registry.h"

#include "config/manual.h"

#include "../test.h"

static void
every_directive_has_help_syntax_contexts_and_an_example(void **state)
{
    struct arena a;
    struct buf flaws;
    arena_init(&a, 0);
    buf_init(&flaws, &a, 4096, 0);
    for (const struct directive_set *const *set = registry_sets(); *set; set++)
        (void)directive_set_check(*set, &flaws);
    buf_byte(&flaws, '\0');
    assert_string_equal(flaws.p, "");
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_directive_has_help_syntax_contexts_and_an_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
