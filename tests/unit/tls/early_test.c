/* Early data (RFC 8446 2.3): a request that comes with the hello. The client is OpenSSL's own. */
#include "tls/session.h"

#include "base/random.h"
#include "by_hand.h"
#include "pair.h"

#include "../test.h"

static struct certificate *shown[1];
static struct tls_profile profile;
static struct pair pair;
static SSL_CTX *client_ctx;
static SSL_SESSION *session;

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
keep_session(SSL *ssl, SSL_SESSION *s)
{
    SSL_SESSION_free(session);
    session = s;
    return 1;
}

static int
reset(void **state)
{
    session = NULL;
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client_ctx, keep_session);
    profile = pair_profile(true);
    profile.early_data = true;
    pair = (struct pair){ .choice = { .certificates = shown, .n_certificates = 1 } };
    return 0;
}

static int
forget(void **state)
{
    SSL_SESSION_free(session);
    SSL_CTX_free(client_ctx);
    tls_context_drop(pair.choice.context);
    return 0;
}

static void
read_text(SSL *ssl, const char *expected)
{
    char in[64];
    int n;
    while ((n = SSL_read(ssl, in, sizeof in)) <= 0) {
        hand_out(ssl, &pair.client);
        assert_true(hand_in(ssl, &pair.client));
    }
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(in, expected, strlen(expected));
    hand_out(ssl, &pair.client);
}

/* --- The server: answers each of n requests with one byte more --- */

static bool was_early[4];

static void
serve(void *arg)
{
    char in[64];
    pair.server_outcome = tls_accept(&pair.server, pair.choice.context, pair_choose, &pair,
                                     STR_NONE, clock_in(5000), &pair.server_problem);
    if (pair.server_outcome < 0)
        return;
    for (int i = 0;; i++) {
        ssize_t n = conn_read(&pair.server, in, sizeof in - 1, clock_in(5000));
        if (n <= 0)
            break;
        was_early[i] = tls_is_early(&pair.server);
        in[n] = '!';
        assert_int_equal(conn_write(&pair.server, in, (size_t)n + 1, 1000), 0);
    }
}

static void
talk(const char *early)
{
    struct child server;
    SSL *ssl = hand_open(client_ctx, "a.example", session);
    size_t written;
    pair_open(&pair);
    child_start(&server, serve, NULL);
    if (early)
        assert_int_equal(SSL_write_early_data(ssl, early, strlen(early), &written), 1);
    assert_true(hand_shake(ssl, &pair.client));
    bool taken = SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_ACCEPTED;
    assert_int_equal(taken, was_early[0] = early && taken);
    hand_out(ssl, &pair.client);
    if (taken)
        read_text(ssl, "early!");
    assert_int_equal(SSL_write(ssl, "late", 4), 4);
    hand_out(ssl, &pair.client);
    read_text(ssl, "late!");
    (void)SSL_shutdown(ssl);
    hand_out(ssl, &pair.client);
    SSL_free(ssl);
    child_join(&server);
    pair_close(&pair);
}

static void
main_of_early(void *arg)
{
    pair.choice.context = pair_context(&profile);
    memset(was_early, 0, sizeof was_early);
    talk(NULL);
    assert_false(was_early[0]);
    assert_non_null(session);
    talk("early");
    assert_true(was_early[0]);
    assert_false(was_early[1]);
}

static void
early_data_is_answered_before_the_handshake_ends(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_early, NULL), 0);
}

static void
with_keys_of_files_too(void **state)
{
    char bytes[80];
    struct str key = { bytes, sizeof bytes };
    random_bytes(bytes, sizeof bytes);
    profile.ticket_keys = &key;
    profile.n_ticket_keys = 1;
    assert_int_equal(loop_run_fiber(main_of_early, NULL), 0);
}

static void
main_of_replay(void *arg)
{
    pair.choice.context = pair_context(&profile);
    talk(NULL);
    SSL_SESSION *first = SSL_SESSION_dup(session);
    talk("early");
    assert_true(was_early[0]);
    keep_session(NULL, first);
    SSL_SESSION_up_ref(first);
    talk("early");
    assert_false(was_early[0]);
    SSL_SESSION_free(first);
}

static void
a_ticket_brings_early_data_once(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_replay, NULL), 0);
}

static void
main_of_refusal(void *arg)
{
    pair.choice.context = pair_context(&profile);
    talk(NULL);
    tls_context_drop(pair.choice.context);
    profile.early_data = false;
    pair.choice.context = pair_context(&profile);
    talk("early");
    assert_false(was_early[0]);
}

static void
who_wants_no_early_data_does_not_see_it(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_refusal, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(early_data_is_answered_before_the_handshake_ends, reset,
                                        forget),
        cmocka_unit_test_setup_teardown(with_keys_of_files_too, reset, forget),
        cmocka_unit_test_setup_teardown(a_ticket_brings_early_data_once, reset, forget),
        cmocka_unit_test_setup_teardown(who_wants_no_early_data_does_not_see_it, reset, forget),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
