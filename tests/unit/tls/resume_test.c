/* tls/resume, ticket, session_cache, client_sessions: who may resume what. */
#include "tls/resume.h"

#include "base/clock.h"
#include "base/random.h"
#include "pair.h"

#include "../test.h"

#include <pthread.h>
#include <stdlib.h>

static struct certificate *shown[1];
static struct tls_profile server, client;
static struct pair pair;

static int
begin(void **state)
{
    shown[0] = pair_certificate("EC", "a.example");
    return 0;
}

static int
finish(void **state)
{
    certificate_drop(shown[0]);
    return 0;
}

static int
reset(void **state)
{
    server = pair_profile(true);
    client = pair_profile(false);
    pair = (struct pair){ .choice = { .certificates = shown, .n_certificates = 1 },
                          .target = { .server_name = STR("a.example"), .session_key = 1 } };
    return 0;
}

static void
meet(void *arg)
{
    char in[8];
    bool *resumed = arg;
    pair_shake(&pair);
    if (pair.server_outcome || pair.client_outcome)
        fail_msg("%s; %s", pair.server_problem.text, pair.client_problem.text);
    assert_int_equal(conn_write(&pair.server, "pong", 4, 1000), 0);
    assert_int_equal(conn_read(&pair.client, in, sizeof in, clock_in(1000)), 4);
    *resumed = tls_is_resumed(&pair.server);
    assert_int_equal(tls_is_resumed(&pair.client), *resumed);
    pair_close(&pair);
}

/* One connection, both contexts taken anew; the client's must be held by somebody to remember. */
static bool
resumes(void)
{
    bool resumed = false;
    pair.choice.context = pair_context(&server);
    pair.target.context = pair_context(&client);
    assert_int_equal(loop_run_fiber(meet, &resumed), 0);
    tls_context_drop(pair.choice.context);
    tls_context_drop(pair.target.context);
    return resumed;
}

static void
a_ticket_resumes_on_a_context_made_anew(void **state)
{
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    assert_true(resumes());
    tls_context_drop(held);
    client.protocols = TLS_1_2;
    held = pair_context(&client);
    assert_false(resumes());
    assert_true(resumes());
    assert_true(resumes());
    tls_context_drop(held);
}

static void
a_ticket_is_good_for_its_name_only(void **state)
{
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    pair.target.server_name = STR("b.example");
    assert_false(resumes());
    tls_context_drop(held);
}

/* The client offers A's session to B on purpose. */
static void
offer_elsewhere(void *arg)
{
    char in[8];
    for (int i = 0; i < 2; i++) {
        struct tls_profile strict = server;
        strict.verify = i ? TLS_VERIFY_ON : TLS_VERIFY_OFF;
        strict.verify_depth = 1;
        pair.choice.context = pair_context(&strict);
        pair_shake(&pair);
        assert_int_equal(pair.server_outcome, 0);
        assert_false(tls_is_resumed(&pair.server));
        assert_int_equal(conn_write(&pair.server, "pong", 4, 1000), 0);
        assert_int_equal(conn_read(&pair.client, in, sizeof in, clock_in(1000)), 4);
        pair_close(&pair);
        tls_context_drop(pair.choice.context);
    }
}

static void
a_ticket_does_not_evade_verification(void **state)
{
    static const unsigned versions[] = { TLS_1_2, TLS_1_3 };
    for (int i = 0; i < 2; i++) {
        client.protocols = versions[i];
        pair.target.context = pair_context(&client);
        assert_int_equal(loop_run_fiber(offer_elsewhere, NULL), 0);
        tls_context_drop(pair.target.context);
    }
}

static void
a_key_of_the_past_opens_until_it_is_forgotten(void **state)
{
    static const unsigned versions[] = { TLS_1_2, TLS_1_3 };
    for (int i = 0; i < 2; i++) {
        client.protocols = versions[i];
        struct tls_context *held = pair_context(&client);
        assert_false(resumes());
        ticket_keys_skip(1);
        assert_true(resumes());
        if (versions[i] == TLS_1_3) { /* with 1.2, a client of OpenSSL keeps the first ticket */
            ticket_keys_skip(1);
            assert_true(resumes());
        }
        ticket_keys_skip(2);
        assert_false(resumes());
        tls_context_drop(held);
    }
}

static void
another_process_opens_what_this_one_sealed(void **state)
{
    unsigned char kept[TICKET_STATE_SIZE], fresh[TICKET_STATE_SIZE];
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    ticket_keys_save(kept);
    ticket_keys_begin();
    ticket_keys_save(fresh);
    assert_memory_not_equal(kept, fresh, sizeof kept);
    assert_false(ticket_keys_load(STR("short")));
    assert_true(ticket_keys_load((struct str){ (char *)kept, sizeof kept }));
    assert_true(resumes());
    tls_context_drop(held);
}

static void
without_its_keys_nothing_is_resumed(void **state)
{
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    ticket_keys_begin();
    assert_false(resumes());
    tls_context_drop(held);
}

static void
keys_of_files_open_and_renew(void **state)
{
    char bytes[2][80];
    struct str keys[] = { { bytes[0], 80 }, { bytes[1], 48 } };
    random_bytes(bytes, sizeof bytes);
    server.ticket_keys = keys;
    server.n_ticket_keys = 2;
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    assert_true(resumes());
    struct str first = keys[0];
    keys[0] = keys[1];
    keys[1] = first;
    server.protocols = TLS_1_2; /* another context */
    client.protocols = TLS_1_2;
    struct tls_context *old = held;
    held = pair_context(&client);
    assert_false(resumes());
    assert_true(resumes());
    tls_context_drop(old);
    tls_context_drop(held);
}

static void
a_key_of_another_size_is_refused(void **state)
{
    struct tls_problem p = { "" };
    struct str key = STR("too short");
    server.ticket_keys = &key;
    server.n_ticket_keys = 1;
    assert_null(tls_context_get(&server, &p));
    assert_string_equal(p.text, "session ticket key must be 48 or 80 bytes");
}

/* --- By ID --- */

static void
a_shared_cache_outlives_its_contexts_as_long_as_one_names_it(void **state)
{
    static const unsigned versions[] = { TLS_1_2, TLS_1_3 };
    server.tickets = false;
    server.session_cache = STR("web");
    server.session_cache_size = 1 << 20;
    struct session_cache *cache = session_cache_get(STR("web"), 1 << 20);
    for (int i = 0; i < 2; i++) {
        client.protocols = versions[i];
        struct tls_context *held = pair_context(&client);
        assert_false(resumes());
        assert_true(resumes());
        tls_context_drop(held);
    }
    session_cache_drop(cache);
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    assert_false(resumes());
    tls_context_drop(held);
}

static void
the_builtin_cache_is_one_contexts_own(void **state)
{
    server.tickets = false;
    server.builtin_sessions = 100;
    client.protocols = TLS_1_2;
    struct tls_context *held = pair_context(&client), *ours = pair_context(&server);
    assert_false(resumes());
    assert_true(resumes());
    tls_context_drop(ours);
    assert_false(resumes());
    tls_context_drop(held);
}

static void
with_neither_tickets_nor_a_cache_nothing_is_resumed(void **state)
{
    server.tickets = server.session_ids = false;
    struct tls_context *held = pair_context(&client);
    assert_false(resumes());
    assert_false(resumes());
    tls_context_drop(held);
}

static bool
is_cached(struct session_cache *c, unsigned id)
{
    struct str found = session_cache_try(c, (struct str){ (char *)&id, sizeof id });
    free((void *)(uintptr_t)found.p);
    return found.n > 0;
}

static void
a_cache_keeps_within_its_bytes_and_times(void **state)
{
    enum { SIZE = 64 * 1024, MANY = 1000 };
    struct session_cache *c = session_cache_get(STR("small"), SIZE);
    char text[200] = "";
    unsigned kept = 0;
    for (unsigned i = 0; i < MANY; i++) {
        session_cache_put(c, (struct str){ (char *)&i, sizeof i },
                          (struct str){ text, sizeof text }, clock_in(1000));
        (void)is_cached(c, 0);
    }
    for (unsigned i = 0; i < MANY; i++)
        kept += is_cached(c, i);
    assert_in_range(kept, 100, SIZE / sizeof text);
    assert_true(is_cached(c, 0)); /* it was asked for */
    assert_true(is_cached(c, MANY - 1));
    unsigned late = MANY, gone = 0;
    session_cache_put(c, (struct str){ (char *)&late, sizeof late }, STR("x"), clock_ms());
    assert_false(is_cached(c, late));
    session_cache_remove(c, (struct str){ (char *)&gone, sizeof gone });
    assert_false(is_cached(c, gone));
    session_cache_drop(c);
}

/* --- Threads --- */

static void *
use_cache(void *arg)
{
    struct session_cache *c = arg;
    for (unsigned i = 0; i < 2000; i++) {
        unsigned id = i % 97;
        session_cache_put(c, (struct str){ (char *)&id, sizeof id }, STR("session"),
                          clock_in(1000));
        (void)is_cached(c, (id * 7) % 97);
        if (i % 10 == 0)
            session_cache_remove(c, (struct str){ (char *)&id, sizeof id });
        struct ticket_key k, same;
        ticket_key_present(&k);
        assert_int_not_equal(ticket_key_find(k.name, &same), TICKET_UNKNOWN);
    }
    return NULL;
}

static void
threads_share_caches_and_keys(void **state)
{
    pthread_t threads[4];
    struct session_cache *c = session_cache_get(STR("shared"), 8192);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, use_cache, c);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    session_cache_drop(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_ticket_resumes_on_a_context_made_anew, reset),
        cmocka_unit_test_setup(a_ticket_is_good_for_its_name_only, reset),
        cmocka_unit_test_setup(a_ticket_does_not_evade_verification, reset),
        cmocka_unit_test_setup(a_key_of_the_past_opens_until_it_is_forgotten, reset),
        cmocka_unit_test_setup(another_process_opens_what_this_one_sealed, reset),
        cmocka_unit_test_setup(without_its_keys_nothing_is_resumed, reset),
        cmocka_unit_test_setup(keys_of_files_open_and_renew, reset),
        cmocka_unit_test_setup(a_key_of_another_size_is_refused, reset),
        cmocka_unit_test_setup(a_shared_cache_outlives_its_contexts_as_long_as_one_names_it, reset),
        cmocka_unit_test_setup(the_builtin_cache_is_one_contexts_own, reset),
        cmocka_unit_test_setup(with_neither_tickets_nor_a_cache_nothing_is_resumed, reset),
        cmocka_unit_test_setup(a_cache_keeps_within_its_bytes_and_times, reset),
        cmocka_unit_test_setup(threads_share_caches_and_keys, reset),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
