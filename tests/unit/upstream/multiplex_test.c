/* upstream/multiplex: who shares an HTTP/2 connection, who waits for one, and when it ends. The
 * peer is raw: a SETTINGS frame is all it has to say. */
#include "../test.h"
#include "groups.h"

#include "h2/h2.h"

static const char settings_frame[] = "\0\0\0\4\0\0\0\0"; /* and its NUL: nine bytes */

struct stage {
    int fd;
    struct groups groups;
    struct upstream *upstream;
};

struct asker {
    struct stage *stage;
    struct attempt attempt;
    uint64_t timeout_ms;
    int result;
    bool fresh, done;
    struct child child;
};

static void
set_stage(struct stage *s)
{
    struct address address;
    char text[64];
    s->fd = listen_on_loopback(&address);
    snprintf(text, sizeof text, "upstream g { server 127.0.0.1:%u; }", address_port(&address));
    s->upstream = groups_start(&s->groups, text);
}

static void
strike_stage(struct stage *s)
{
    groups_stop(&s->groups);
    close(s->fd);
}

static void
ask(void *arg)
{
    struct asker *a = arg;
    struct connect_problem problem;
    const struct connect_options options = { .timeout_ms = a->timeout_ms,
                                             .fresh = a->fresh,
                                             .http2 = true,
                                             .identity = STR("h2c"),
                                             .problem = &problem };
    if (a->attempt.peer == NULL) {
        attempt_init(&a->attempt, a->stage->upstream, &a->stage->groups.arena);
        assert_int_equal(attempt_pick(&a->attempt, 0), 0);
    }
    a->result = attempt_connect(&a->attempt, &options);
    a->done = true;
}

static void
begin(struct asker *a, struct stage *s)
{
    *a = (struct asker){ .stage = s, .timeout_ms = 5000 };
    ask(a);
    assert_int_equal(a->result, 0);
}

static void
end(struct asker *a)
{
    attempt_release(&a->attempt, true);
    attempt_report(&a->attempt, ATTEMPT_GOOD);
}

static int
accept_settled(struct stage *s)
{
    int peer = accept(s->fd, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(write(peer, settings_frame, 9), 9);
    return peer;
}

static void
share(void *arg)
{
    struct stage s;
    struct asker first, second = { .stage = &s, .timeout_ms = 5000 };
    set_stage(&s);
    begin(&first, &s);
    child_start(&second.child, ask, &second);
    assert_int_equal(fiber_yield(), 0);
    assert_false(second.done); /* nobody knows yet what the peer bears */
    int peer = accept_settled(&s);
    child_join(&second.child);
    assert_int_equal(second.result, 0);
    assert_ptr_equal(first.attempt.conn, second.attempt.conn);
    assert_int_equal(first.attempt.conn->users, 2);
    end(&first);
    assert_int_equal(pool_idle_count(), 0);
    end(&second);
    assert_int_equal(pool_idle_count(), 1);
    begin(&first, &s);
    assert_true(first.attempt.conn->reused);
    end(&first);
    strike_stage(&s);
    close(peer);
    assert_int_equal(pool_idle_count(), 0);
}

static void
wait_in_vain(void *arg)
{
    struct stage s;
    struct asker first, second = { .stage = &s, .timeout_ms = 1 };
    set_stage(&s);
    begin(&first, &s);
    ask(&second);
    assert_int_equal(second.result, -ETIMEDOUT);
    end(&second);
    end(&first);
    strike_stage(&s);
}

static void
ask_for_a_later_one(void *arg)
{
    struct stage s;
    struct asker a, b;
    set_stage(&s);
    begin(&a, &s);
    int peer = accept_settled(&s);
    begin(&b, &s);
    uint64_t serial = a.attempt.conn->serial;
    assert_int_equal(b.attempt.conn->serial, serial);
    attempt_release(&b.attempt, false);
    b.fresh = true;
    ask(&b);
    assert_int_equal(b.result, 0);
    assert_true(b.attempt.conn->serial > serial);
    end(&b);
    end(&a);
    assert_int_equal(pool_idle_count(), 2);
    strike_stage(&s);
    close(peer);
}

static void
leave_a_dead_one(void *arg)
{
    struct stage s;
    struct asker a;
    set_stage(&s);
    begin(&a, &s);
    int peer = accept_settled(&s);
    close(peer);
    while (h2_link_error(a.attempt.conn->h2, NULL) == 0)
        assert_int_equal(fiber_yield(), 0);
    end(&a);
    assert_int_equal(pool_idle_count(), 0);
    strike_stage(&s);
}

static void
forget_an_idle_one_that_dies(void *arg)
{
    struct stage s;
    struct asker a;
    set_stage(&s);
    begin(&a, &s);
    int peer = accept_settled(&s);
    end(&a);
    assert_int_equal(pool_idle_count(), 1);
    close(peer);
    while (pool_idle_count() > 0)
        assert_int_equal(fiber_yield(), 0);
    strike_stage(&s);
}

IN_LOOP(a_second_waits_until_the_first_has_settled_and_shares_it, share)
IN_LOOP(waiting_has_an_end, wait_in_vain)
IN_LOOP(a_fresh_one_is_later_than_the_one_that_failed, ask_for_a_later_one)
IN_LOOP(a_dead_one_is_not_kept, leave_a_dead_one)
IN_LOOP(an_idle_one_that_dies_is_forgotten, forget_an_idle_one_that_dies)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_waits_until_the_first_has_settled_and_shares_it),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(a_fresh_one_is_later_than_the_one_that_failed),
        cmocka_unit_test(a_dead_one_is_not_kept),
        cmocka_unit_test(an_idle_one_that_dies_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
