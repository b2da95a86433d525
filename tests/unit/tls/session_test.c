/* tls/session: handshakes and bytes between two ends that are both ours. */
#include "tls/session.h"

#include "pair.h"

#include "../test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

static void
start(struct pair *p, const char *kind)
{
    struct tls_profile server = pair_profile(true), client = pair_profile(false);
    static struct certificate *shown[1];
    shown[0] = pair_certificate(kind, "a.example");
    *p = (struct pair){
        .choice = { .context = pair_context(&server), .certificates = shown, .n_certificates = 1 },
        .target = { .context = pair_context(&client), .server_name = STR("A.Example.") }
    };
}

static void
end(struct pair *p)
{
    tls_context_drop(p->choice.context);
    tls_context_drop(p->first);
    tls_context_drop(p->target.context);
    certificate_drop(p->choice.certificates[0]);
}

static void
run(fiber_fn *fn)
{
    struct pair p;
    assert_int_equal(loop_run_fiber(fn, &p), 0);
}

static void
assert_shaken(const struct pair *p)
{
    if (p->server_outcome || p->client_outcome)
        fail_msg("server %d: %s; client %d: %s", p->server_outcome, p->server_problem.text,
                 p->client_outcome, p->client_problem.text);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
send_fixed(struct conn *from, struct conn *to, const char *text)
{
    char in[64];
    size_t n = strlen(text);
    assert_int_equal(conn_write(from, text, n, 1000), 0);
    assert_int_equal(conn_read(to, in, sizeof in, clock_in(1000)), n);
    assert_memory_equal(in, text, n);
}

static void
main_of_greeting(void *arg)
{
    struct pair *p = arg;
    start(p, "EC");
    pair_shake(p);
    assert_shaken(p);
    assert_int_equal(p->asked, 1);
    assert_string_equal(p->name, "a.example");
    assert_true(str_eq(tls_server_name(&p->server), STR("a.example")));
    assert_true(str_eq(tls_protocol_name(&p->server), STR("TLSv1.3")));
    assert_false(tls_is_resumed(&p->server));
    assert_false(tls_is_early(&p->server));
    assert_true(tls_has_peer_certificate(&p->client));
    assert_false(tls_has_peer_certificate(&p->server));
    send_fixed(&p->client, &p->server, "ping");
    send_fixed(&p->server, &p->client, "pong");
    pair_close(p);
    end(p);
}

static void
two_ends_greet_and_talk(void **state)
{
    run(main_of_greeting);
}

static void
main_of_rsa(void *arg)
{
    struct pair *p = arg;
    start(p, "RSA2048");
    pair_shake(p);
    assert_shaken(p);
    send_fixed(&p->client, &p->server, "ping");
    pair_close(p);
    end(p);
}

static void
an_rsa_key_signs_in_another_thread(void **state)
{
    run(main_of_rsa);
}

/* --- Large transfers --- */

enum { LARGE = 3 << 20 };

struct transfer {
    struct conn *from, *to;
    char *bytes;
};

static void
read_large(void *arg)
{
    struct transfer *t = arg;
    char *in = malloc(LARGE);
    size_t n = 0;
    ssize_t got;
    while ((got = conn_read(t->to, in + n, n + 70000 < LARGE ? 70000 : LARGE - n, clock_in(5000))) >
           0) {
        n += (size_t)got;
        if (n == LARGE)
            break;
    }
    assert_int_equal(n, LARGE);
    assert_memory_equal(in, t->bytes, LARGE);
    free(in);
}

static void
transfer(struct conn *from, struct conn *to)
{
    struct transfer t = { from, to, malloc(LARGE) };
    struct child reader;
    for (size_t i = 0; i < LARGE; i++)
        t.bytes[i] = (char)(i * 2654435761U >> 24);
    struct iovec pieces[] = { { t.bytes, 1 },
                              { t.bytes + 1, 300 },
                              { t.bytes + 301, 0 },
                              { t.bytes + 301, 100000 },
                              { t.bytes + 100301, LARGE - 100301 - 7 },
                              { t.bytes + LARGE - 7, 7 } };
    child_start(&reader, read_large, &t);
    assert_int_equal(conn_writev(from, pieces, 6, 5000), 0);
    child_join(&reader);
    free(t.bytes);
}

static void
main_of_transfer(void *arg)
{
    struct pair *p = arg;
    start(p, "EC");
    pair_shake(p);
    assert_shaken(p);
    transfer(&p->server, &p->client);
    transfer(&p->client, &p->server);
    assert_int_equal(p->server.bytes_written, LARGE);
    assert_int_equal(p->server.bytes_read, LARGE);
    pair_close(p);
    end(p);
}

static void
large_and_scattered_bytes_arrive_as_they_were(void **state)
{
    run(main_of_transfer);
}

/* Here the kernel cannot (the sockets are no TCP), and nobody notices. */
static void
main_of_kernel(void *arg)
{
    struct pair *p = arg;
    static const struct tls_command option = { NULL, { "Options", 7 }, { "KTLS", 4 } };
    static const char *const kinds[] = { "EC", "RSA2048" };
    for (int i = 0; i < 4; i++) {
        start(p, kinds[i % 2]);
        struct tls_profile server = pair_profile(true), client = pair_profile(false);
        server.commands = client.commands = &option;
        server.protocols = i < 2 ? TLS_1_2 : TLS_1_3;
        tls_context_drop(p->choice.context);
        tls_context_drop(p->target.context);
        p->choice.context = pair_context(&server);
        p->target.context = pair_context(&client);
        pair_shake(p);
        assert_shaken(p);
        transfer(&p->server, &p->client);
        pair_close(p);
        end(p);
    }
}

static void
asking_the_kernel_to_seal_changes_nothing_seen(void **state)
{
    run(main_of_kernel);
}

/* --- The end --- */

static void
main_of_goodbye(void *arg)
{
    struct pair *p = arg;
    char in[8];
    start(p, "EC");
    pair_shake(p);
    assert_int_equal(conn_write(&p->server, "last", 4, 1000), 0);
    assert_int_equal(conn_shutdown_write(&p->server), 0);
    assert_int_equal(conn_read(&p->client, in, sizeof in, clock_in(1000)), 4);
    assert_int_equal(conn_read(&p->client, in, sizeof in, clock_in(1000)), 0);
    assert_int_equal(conn_read(&p->client, in, sizeof in, clock_in(1000)), 0);
    assert_int_equal(SSL_get_shutdown(tls_ssl(&p->client)), SSL_RECEIVED_SHUTDOWN);
    send_fixed(&p->client, &p->server, "more"); /* the other direction lives */
    pair_close(p);
    end(p);
}

static void
close_notify_ends_one_direction(void **state)
{
    run(main_of_goodbye);
}

static void
main_of_cut(void *arg)
{
    struct pair *p = arg;
    char in[8];
    start(p, "EC");
    pair_shake(p);
    conn_reset(&p->server);
    assert_true(conn_read(&p->client, in, sizeof in, clock_in(1000)) <= 0);
    assert_int_equal(ERR_peek_error(), 0);
    pair_close(p);
    end(p);
}

static void
an_end_without_close_notify_is_an_end(void **state)
{
    run(main_of_cut);
}

/* --- Choices --- */

static void
main_of_choice(void *arg)
{
    struct pair *p = arg;
    start(p, "EC");
    struct tls_profile old = pair_profile(true);
    old.protocols = TLS_1_3;
    p->first = p->choice.context;
    old.protocols = TLS_1_2;
    p->choice.context = pair_context(&old);
    p->choice.http2 = true;
    p->target.alpn = STR("h2");
    pair_shake(p);
    assert_shaken(p);
    assert_int_equal(p->asked, 1);
    assert_true(str_eq(tls_protocol_name(&p->client), STR("TLSv1.2")));
    assert_true(str_eq(tls_alpn(&p->server), STR("h2")));
    send_fixed(&p->server, &p->client, "pong");
    send_fixed(&p->client, &p->server, "ping");
    pair_close(p);
    end(p);
}

static void
the_chosen_context_holds_from_the_first_byte(void **state)
{
    run(main_of_choice);
}

static void
main_of_refusals(void *arg)
{
    struct pair *p = arg;
    start(p, "EC");
    p->choice.reject = true;
    pair_shake(p);
    assert_int_equal(p->server_outcome, -EPROTO);
    assert_int_equal(p->client_outcome, -EPROTO);
    assert_non_null(strstr(p->client_problem.text, "unrecognized name"));
    p->choice.reject = false;
    p->target.alpn = STR("h2");
    pair_shake(p);
    assert_int_equal(p->server_outcome, -EPROTO);
    assert_non_null(strstr(p->client_problem.text, "no application protocol"));
    p->target.alpn = STR_NONE;
    p->choice.n_certificates = 0;
    pair_shake(p);
    assert_int_equal(p->server_outcome, -EPROTO);
    assert_string_equal(p->server_problem.text,
                        "SSL_do_handshake() failed (SSL: error:0A000076:SSL routines::no suitable "
                        "signature algorithm)");
    assert_int_equal(ERR_peek_error(), 0);
    end(p);
}

static void
refusals_are_alerts(void **state)
{
    run(main_of_refusals);
}

/* --- Verification by the client --- */

static void
main_of_verification(void *arg)
{
    struct pair *p = arg;
    start(p, "EC");
    struct tls_profile strict = pair_profile(false);
    char *pem = pair_pem(p->choice.certificates[0]);
    strict.verify = TLS_VERIFY_ON;
    strict.verify_depth = 1;
    tls_context_drop(p->target.context);
    p->target.context = pair_context(&strict);
    pair_shake(p);
    assert_int_equal(p->client_outcome, -EKEYREJECTED);
    assert_string_equal(p->client_problem.text, "upstream SSL certificate verify error: "
                                                "(18:self-signed certificate)");
    tls_context_drop(p->target.context);
    strict.trusted = str_of(pem);
    p->target.context = pair_context(&strict);
    p->target.verify_name = STR("b.example");
    pair_shake(p);
    assert_int_equal(p->client_outcome, -EKEYREJECTED);
    assert_string_equal(p->client_problem.text,
                        "upstream SSL certificate does not match \"b.example\"");
    p->target.verify_name = STR("a.example");
    pair_shake(p);
    assert_shaken(p);
    pair_close(p);
    free(pem);
    end(p);
}

static void
a_client_believes_whom_it_trusts_only(void **state)
{
    run(main_of_verification);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ends_greet_and_talk),
        cmocka_unit_test(an_rsa_key_signs_in_another_thread),
        cmocka_unit_test(large_and_scattered_bytes_arrive_as_they_were),
        cmocka_unit_test(asking_the_kernel_to_seal_changes_nothing_seen),
        cmocka_unit_test(close_notify_ends_one_direction),
        cmocka_unit_test(an_end_without_close_notify_is_an_end),
        cmocka_unit_test(the_chosen_context_holds_from_the_first_byte),
        cmocka_unit_test(refusals_are_alerts),
        cmocka_unit_test(a_client_believes_whom_it_trusts_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
