/* upstream/pool and attempt_connect: connections are kept, limited, and closed when they must be.
 */
#include "../test.h"
#include "groups.h"

struct backend {
    int fd;
    struct address address;
    char text[64]; /* upstream block with it as only server */
};

static void
open_backend(struct backend *b, const char *more)
{
    b->fd = listen_on_loopback(&b->address);
    snprintf(b->text, sizeof b->text, "upstream g { server 127.0.0.1:%u; %s }",
             address_port(&b->address), more);
}

static const struct connect_options options = { .timeout_ms = 5000, .socket_keepalive = true };

static void
begin(struct attempt *a, struct upstream *u, struct arena *arena)
{
    attempt_init(a, u, arena);
    assert_int_equal(attempt_pick(a, 0), 0);
    assert_int_equal(attempt_connect(a, &options), 0);
}

static void
end(struct attempt *a, bool keep)
{
    attempt_release(a, keep);
    attempt_report(a, ATTEMPT_GOOD);
    assert_null(a->peer);
}

static void
reuse(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a;
    assert_true(sizeof(struct upstream_conn) <= 400);
    open_backend(&b, "keepalive_requests 3;");
    struct upstream *u = groups_start(&g, b.text);
    begin(&a, u, &g.arena);
    struct upstream_conn *first = a.conn;
    assert_false(first->reused);
    end(&a, true);
    assert_int_equal(pool_idle_count(), 1);
    begin(&a, u, &g.arena);
    assert_ptr_equal(a.conn, first);
    assert_true(first->reused);
    assert_int_equal(first->requests, 2);
    assert_int_equal(pool_idle_count(), 0);
    end(&a, true);
    begin(&a, u, &g.arena);
    end(&a, true); /* its third request was its last */
    assert_int_equal(pool_idle_count(), 0);
    begin(&a, u, &g.arena);
    end(&a, true);
    struct connect_options fresh = options;
    fresh.fresh = true;
    attempt_init(&a, u, &g.arena);
    assert_int_equal(attempt_pick(&a, 0), 0);
    assert_int_equal(attempt_connect(&a, &fresh), 0);
    assert_false(a.conn->reused);
    end(&a, false);
    assert_int_equal(pool_idle_count(), 1);
    groups_stop(&g);
    close(b.fd);
}

static void
notice_the_end(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a;
    open_backend(&b, "");
    struct upstream *u = groups_start(&g, b.text);
    begin(&a, u, &g.arena);
    int peer = accept(b.fd, NULL, NULL);
    end(&a, true);
    close(peer);
    for (int i = 0; i < 1000 && pool_idle_count(); i++)
        assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(pool_idle_count(), 0);
    begin(&a, u, &g.arena);
    peer = accept(b.fd, NULL, NULL);
    end(&a, true);
    assert_int_equal(write(peer, "x", 1), 1); /* nobody asked for that */
    for (int i = 0; i < 1000 && pool_idle_count(); i++)
        assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(pool_idle_count(), 0);
    close(peer);
    groups_stop(&g);
    close(b.fd);
}

static void
expire(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a;
    open_backend(&b, "keepalive_timeout 20ms;");
    struct upstream *u = groups_start(&g, b.text);
    begin(&a, u, &g.arena);
    end(&a, true);
    assert_int_equal(pool_idle_count(), 1);
    for (int i = 0; i < 1000 && pool_idle_count(); i++)
        assert_int_equal(fiber_sleep(1), 0);
    assert_int_equal(pool_idle_count(), 0);
    groups_stop(&g);
    close(b.fd);
}

static void
keep_the_latest(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a[3];
    struct upstream_conn *last;
    open_backend(&b, "keepalive 2;");
    struct upstream *u = groups_start(&g, b.text);
    for (int i = 0; i < 3; i++)
        begin(&a[i], u, &g.arena);
    last = a[2].conn;
    for (int i = 0; i < 3; i++)
        end(&a[i], true);
    assert_int_equal(pool_idle_count(), 2);
    begin(&a[0], u, &g.arena);
    assert_ptr_equal(a[0].conn, last);
    end(&a[0], false);
    groups_stop(&g);
    close(b.fd);
}

static void
reload(void *arg)
{
    struct backend b;
    struct groups old, same, other;
    struct attempt a;
    open_backend(&b, "");
    struct upstream *u = groups_start(&old, b.text);
    begin(&a, u, &old.arena);
    end(&a, true);
    u = groups_start(&same, b.text);
    groups_stop(&old);
    assert_int_equal(pool_idle_count(), 1); /* still named: kept */
    begin(&a, u, &same.arena);
    assert_true(a.conn->reused);
    end(&a, true);
    groups_start(&other, "upstream g { server 10.0.0.1:1; }");
    groups_stop(&same);
    assert_int_equal(pool_idle_count(), 0); /* nobody names it any more */
    groups_stop(&other);
    close(b.fd);
}

static void
fail_to_connect(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a;
    open_backend(&b, "");
    close(b.fd);
    struct upstream *u = groups_start(&g, b.text);
    attempt_init(&a, u, &g.arena);
    assert_int_equal(attempt_pick(&a, 0), 0);
    assert_int_equal(attempt_connect(&a, &options), -ECONNREFUSED);
    assert_null(a.conn);
    attempt_report(&a, ATTEMPT_FAILED);
    attempt_release(&a, false);
    assert_null(a.peer);
    groups_stop(&g);
}

static void
connect_again(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a;
    open_backend(&b, "");
    struct upstream *u = groups_start(&g, b.text);
    begin(&a, u, &g.arena);
    end(&a, true);
    begin(&a, u, &g.arena);
    assert_true(a.conn->reused);
    attempt_release(&a, false); /* it was dead */
    assert_non_null(a.peer);
    struct connect_options fresh = options;
    fresh.fresh = true;
    assert_int_equal(attempt_connect(&a, &fresh), 0);
    assert_false(a.conn->reused);
    attempt_report(&a, ATTEMPT_GOOD);
    assert_non_null(a.peer);
    attempt_release(&a, false);
    assert_null(a.peer);
    groups_stop(&g);
    close(b.fd);
}

static void
bind_apart(void *arg)
{
    struct backend b;
    struct groups g;
    struct attempt a;
    struct address local;
    assert_true(address_parse(STR("127.0.0.3"), 0, &local));
    struct connect_options bound = options;
    bound.bind = &local;
    open_backend(&b, "");
    struct upstream *u = groups_start(&g, b.text);
    begin(&a, u, &g.arena);
    end(&a, true);
    for (int i = 0; i < 2; i++) {
        attempt_init(&a, u, &g.arena);
        assert_int_equal(attempt_pick(&a, 0), 0);
        assert_int_equal(attempt_connect(&a, &bound), 0);
        assert_int_equal(a.conn->reused, i > 0); /* only one that was bound alike */
        end(&a, true);
    }
    assert_int_equal(pool_idle_count(), 2);
    groups_stop(&g);
    close(b.fd);
}

static void
keep_identities_apart(void *arg)
{
    static const char *const names[] = { "one", "other", "one", "" };
    struct backend b;
    struct groups g;
    struct attempt a;
    struct connect_options named = options;
    open_backend(&b, "");
    struct upstream *u = groups_start(&g, b.text);
    for (int i = 0; i < 4; i++) {
        named.identity = str_of(names[i]);
        attempt_init(&a, u, &g.arena);
        assert_int_equal(attempt_pick(&a, 0), 0);
        assert_int_equal(attempt_connect(&a, &named), 0);
        assert_int_equal(a.conn->reused, i == 2);
        end(&a, true);
    }
    assert_int_equal(pool_idle_count(), 3);
    groups_stop(&g);
    close(b.fd);
}

static void
go_adhoc(void *arg)
{
    struct backend b;
    struct upstream *u;
    struct arena arena;
    struct attempt a;
    char text[32];
    open_backend(&b, "");
    snprintf(text, sizeof text, "127.0.0.1:%u", address_port(&b.address));
    for (int i = 0; i < 3; i++) {
        arena_init(&arena, 0);
        assert_int_equal(upstream_adhoc(str_of(text), 80, NULL, &arena, &u, clock_in(1000)), 0);
        assert_true(str_eq(upstream_name(u), str_of(text)));
        assert_int_equal(upstream_peer_count(u), 1);
        begin(&a, u, &arena);
        assert_int_equal(a.conn->reused, i > 0);
        end(&a, true);
        arena_fini(&arena);
    }
    assert_int_equal(pool_idle_count(), 1);
    upstream_thread_fini();
    assert_int_equal(pool_idle_count(), 0);
    arena_init(&arena, 0);
    assert_int_equal(upstream_adhoc(STR("a:x"), 80, NULL, &arena, &u, clock_in(1000)), -ENOENT);
    arena_fini(&arena);
    close(b.fd);
}

IN_LOOP(a_connection_serves_again_until_its_requests_are_used_up, reuse)
IN_LOOP(an_idle_connection_that_ends_or_speaks_is_closed, notice_the_end)
IN_LOOP(an_idle_connection_times_out, expire)
IN_LOOP(the_oldest_beyond_keepalive_is_closed_and_the_latest_serves_first, keep_the_latest)
IN_LOOP(a_reload_keeps_what_is_still_named, reload)
IN_LOOP(a_refused_connect_leaves_nothing_behind, fail_to_connect)
IN_LOOP(a_dead_pooled_connection_is_followed_by_a_fresh_one, connect_again)
IN_LOOP(connections_bound_apart_are_not_mixed, bind_apart)
IN_LOOP(connections_of_different_identities_are_not_mixed, keep_identities_apart)
IN_LOOP(adhoc_groups_share_connections_by_their_text, go_adhoc)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_again_until_its_requests_are_used_up),
        cmocka_unit_test(an_idle_connection_that_ends_or_speaks_is_closed),
        cmocka_unit_test(an_idle_connection_times_out),
        cmocka_unit_test(the_oldest_beyond_keepalive_is_closed_and_the_latest_serves_first),
        cmocka_unit_test(a_reload_keeps_what_is_still_named),
        cmocka_unit_test(a_refused_connect_leaves_nothing_behind),
        cmocka_unit_test(a_dead_pooled_connection_is_followed_by_a_fresh_one),
        cmocka_unit_test(connections_bound_apart_are_not_mixed),
        cmocka_unit_test(connections_of_different_identities_are_not_mixed),
        cmocka_unit_test(adhoc_groups_share_connections_by_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
