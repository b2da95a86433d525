/* main/: messages between supervisor and worker, with descriptors. */
#include "main/process/handover.h"

#include <errno.h>
#include <unistd.h>

#include "../../test.h"

static void
a_message_arrives_whole_with_its_descriptor(void **state)
{
    int ends[2], pipes[2];
    char byte;
    static struct handover m;
    assert_int_equal(handover_pair(ends), 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(handover_send(ends[0], HANDOVER_LISTEN, 7, STR("127.0.0.1:80"), pipes[1]), 0);
    assert_int_equal(handover_receive(ends[1], &m), 1);
    assert_int_equal(m.kind, HANDOVER_LISTEN);
    assert_int_equal(m.number, 7);
    assert_true(str_eq((struct str){ m.text, m.n }, STR("127.0.0.1:80")));
    assert_true(m.fd >= 0 && m.fd != pipes[1]);
    assert_int_equal(write(m.fd, "x", 1), 1);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    int all[] = { ends[0], ends[1], pipes[0], pipes[1], m.fd };
    for (unsigned i = 0; i < 5; i++)
        close(all[i]);
}

static void
messages_keep_their_order_and_their_bounds(void **state)
{
    int ends[2];
    static struct handover m;
    assert_int_equal(handover_pair(ends), 0);
    assert_int_equal(handover_send(ends[0], HANDOVER_LOG, 0, STR("/a"), -1), 0);
    assert_int_equal(handover_send(ends[0], HANDOVER_RELOAD, 0, STR_NONE, -1), 0);
    assert_int_equal(handover_receive(ends[1], &m), 1);
    assert_int_equal(m.kind, HANDOVER_LOG);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.fd, -1);
    assert_int_equal(handover_receive(ends[1], &m), 1);
    assert_int_equal(m.kind, HANDOVER_RELOAD);
    assert_int_equal(m.n, 0);
    assert_int_equal(handover_receive(ends[1], &m), -EAGAIN);
    close(ends[0]);
    close(ends[1]);
}

static void
the_other_sides_end_is_told(void **state)
{
    int ends[2];
    static struct handover m;
    assert_int_equal(handover_pair(ends), 0);
    close(ends[0]);
    assert_int_equal(handover_receive(ends[1], &m), 0);
    assert_true(handover_send(ends[1], HANDOVER_READY, 0, STR_NONE, -1) < 0);
    close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_whole_with_its_descriptor),
        cmocka_unit_test(messages_keep_their_order_and_their_bounds),
        cmocka_unit_test(the_other_sides_end_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
