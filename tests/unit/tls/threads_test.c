/* Contexts, certificates, sessions and off-load threads, shared by loops of several threads. */
#include "pair.h"

#include "../test.h"

#include <pthread.h>

enum { THREADS = 3, ROUNDS = 12 };

static struct certificate *rsa[1], *ec[1];
static struct tls_context *server, *server_by_id, *client;

static void
round_of(struct pair *p, int i)
{
    char in[8];
    p->choice.context = i % 2 ? server : server_by_id;
    p->choice.certificates = i % 3 ? ec : rsa;
    p->target.session_key = (uint64_t)(i % 4); /* 0: a full handshake */
    pair_shake(p);
    assert_int_equal(p->server_outcome, 0);
    assert_int_equal(p->client_outcome, 0);
    assert_int_equal(conn_write(&p->server, "pong", 4, 1000), 0);
    assert_int_equal(conn_read(&p->client, in, sizeof in, clock_in(5000)), 4);
    pair_close(p);
}

static void
main_of_thread(void *arg)
{
    struct pair p = { .choice.n_certificates = 1,
                      .target = { .context = client, .server_name = STR("a.example") } };
    for (int i = 0; i < ROUNDS; i++)
        round_of(&p, i);
}

static void *
run(void *arg)
{
    assert_int_equal(loop_run_fiber(main_of_thread, NULL), 0);
    return NULL;
}

static void
threads_shake_hands_at_once(void **state)
{
    pthread_t threads[THREADS];
    struct tls_profile s = pair_profile(true), c = pair_profile(false);
    server = pair_context(&s);
    s.tickets = false;
    s.session_cache = STR("threads");
    s.session_cache_size = 1 << 20;
    server_by_id = pair_context(&s);
    client = pair_context(&c);
    rsa[0] = pair_certificate("RSA2048", "a.example");
    ec[0] = pair_certificate("EC", "a.example");
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    tls_context_drop(server);
    tls_context_drop(server_by_id);
    tls_context_drop(client);
    certificate_drop(rsa[0]);
    certificate_drop(ec[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(threads_shake_hands_at_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
