/* main/process/ticket_handover: a secret goes from one program to the next by a descriptor. */
#include "main/process/ticket_handover.h"

#include "tls/ticket.h"

#include "../../test.h"

#include <stdlib.h>

static void
keys_go_from_program_to_program(void **state)
{
    unsigned char before[TICKET_STATE_SIZE], after[TICKET_STATE_SIZE];
    ticket_keys_begin();
    ticket_keys_save(before);
    ticket_handover_export();
    assert_true(strlen(getenv("USHER_TICKET_KEYS")) < 8); /* a number and no secret */
    ticket_keys_begin();
    ticket_handover_take();
    ticket_keys_save(after);
    assert_memory_equal(before, after, sizeof before);
    assert_null(getenv("USHER_TICKET_KEYS"));
}

static void
what_is_no_state_begins_afresh(void **state)
{
    unsigned char before[TICKET_STATE_SIZE], after[TICKET_STATE_SIZE];
    static const char *const odd[] = { NULL, "", "-1", "x", "999999", "2" };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        ticket_keys_save(before);
        if (odd[i])
            setenv("USHER_TICKET_KEYS", odd[i], 1);
        ticket_handover_take();
        ticket_keys_save(after);
        assert_memory_not_equal(before, after, sizeof before);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_go_from_program_to_program),
        cmocka_unit_test(what_is_no_state_begins_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
