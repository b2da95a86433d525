/* Every directive of the program: documented, and with a default and an example that parse. */
#include "config/manual.h"
#include "main/registry.h"

#include "../test.h"

static void
every_row_has_help_context_syntax_and_an_example_that_parses(void **state)
{
    struct arena a;
    struct buf flaws;
    arena_init(&a, 0);
    buf_init(&flaws, &a, 1000, 0);
    for (const struct directive_set *const *set = registry_sets(); *set; set++)
        directive_set_check(*set, &flaws);
    buf_byte(&flaws, 0);
    assert_string_equal(flaws.p, "");
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_help_context_syntax_and_an_example_that_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
