/* Handshakes and sessions with those who do not mean well: an alert, a reason, no trace left. */
#include "by_hand.h"
#include "pair.h"

#include "../test.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct certificate *shown[1];
static struct tls_context *context;
static struct pair pair;
static struct str says;   /* what the client says, and is silent or gone */
static bool leaves;       /* it closes its side then */
static uint64_t patience; /* of the server */
static bool old_client;   /* speaks TLS 1.2 */

static int
begin(void **state)
{
    struct tls_profile profile = pair_profile(true);
    shown[0] = pair_certificate("EC", "a.example");
    context = pair_context(&profile);
    return 0;
}

static int
finish(void **state)
{
    tls_context_drop(context);
    certificate_drop(shown[0]);
    return 0;
}

static int
reset(void **state)
{
    pair = (struct pair){ .choice = {
                              .context = context, .certificates = shown, .n_certificates = 1 } };
    leaves = false;
    patience = 5000;
    return 0;
}

/* --- Bytes that are no handshake --- */

static void
greet(void *arg)
{
    pair.server_outcome = tls_accept(&pair.server, context, pair_choose, &pair, STR_NONE,
                                     clock_in(patience), &pair.server_problem);
    assert_int_equal(ERR_peek_error(), 0);
    conn_close(&pair.server);
}

static void
main_of_bytes(void *arg)
{
    struct child server;
    pair_open(&pair);
    child_start(&server, greet, NULL);
    assert_int_equal(conn_write(&pair.client, says.p, says.n, 1000), 0);
    if (leaves)
        assert_int_equal(conn_shutdown_write(&pair.client), 0);
    char *answer = pair.name; /* large enough for an alert */
    ssize_t n = conn_read(&pair.client, answer, sizeof pair.name, clock_in(5000));
    pair.client_outcome = n < 7 ? 0 : answer[0] == 21 ? answer[6] : -1;
    child_join(&server);
    conn_close(&pair.client);
}

/* The alert's number; 0: none. */
static int
say(struct str bytes)
{
    says = bytes;
    assert_int_equal(loop_run_fiber(main_of_bytes, NULL), 0);
    return pair.client_outcome;
}

static void
assert_problem(const char *part)
{
    if (!strstr(pair.server_problem.text, part))
        fail_msg("\"%s\" lacks \"%s\"", pair.server_problem.text, part);
}

static void
what_is_no_handshake_is_refused(void **state)
{
    (void)say(STR("GET / HTTP/1.0\r\n\r\n"));
    assert_int_equal(pair.server_outcome, -EPROTO);
    assert_problem("SSL_do_handshake() failed (SSL: error:0A00009C:SSL routines::http request)");
    (void)say(STR("\x00\x01\x02\x03 garbage of some length, longer than a header"));
    assert_int_equal(pair.server_outcome, -EPROTO);
    assert_int_equal(say(STR("\x16\x03\x01\xff\xff too long a record for anybody")), 22);
    assert_int_equal(pair.server_outcome, -EPROTO);
    assert_int_equal(say(STR("\x17\x03\x03\x00\x05hello")), 10); /* data before a handshake */
    assert_int_equal(pair.server_outcome, -EPROTO);
    assert_int_equal(pair.asked, 0);
}

static void
who_leaves_amid_the_hello_has_closed(void **state)
{
    leaves = true;
    assert_int_equal(say(STR("\x16\x03\x01\x02\x00\x01\x00")), 0);
    assert_int_equal(pair.server_outcome, -ECONNRESET);
    assert_string_equal(pair.server_problem.text, "peer closed connection in SSL handshake");
}

static void
who_is_silent_amid_the_hello_is_not_waited_for(void **state)
{
    patience = 30;
    assert_int_equal(say(STR("\x16\x03\x01\x02\x00\x01\x00")), 0);
    assert_int_equal(pair.server_outcome, -ETIMEDOUT);
}

/* A hello of 128 KiB in records of 16 KiB, as RFC 8446 would allow. */
static void
a_hello_without_end_is_cut(void **state)
{
    enum { PIECES = 8, PIECE = 16384 };
    char *all = calloc(PIECES, PIECE + 5), *at = all;
    for (int i = 0; i < PIECES; i++, at += PIECE + 5) {
        memcpy(at, "\x16\x03\x01\x40\x00", 5);
        if (i == 0)
            memcpy(at + 5, "\x01\x01\xf0\x00\x03\x03", 6);
    }
    (void)say((struct str){ all, (size_t)(at - all) });
    assert_int_equal(pair.server_outcome, -EPROTO);
    assert_problem("too much was sent in SSL handshake");
    free(all);
}

/* --- Hellos of real clients, spoilt --- */

/* The hello of a client that wants `name`, malloc'ed. */
static struct str
make_hello(const char *name, int version)
{
    char *p;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    SSL *ssl = hand_open(ctx, name, NULL);
    (void)SSL_do_handshake(ssl);
    long n = BIO_get_mem_data(SSL_get_wbio(ssl), &p);
    struct str hello = { memcpy(malloc((size_t)n), p, (size_t)n), (size_t)n };
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return hello;
}

static void
a_version_too_low_is_told_so(void **state)
{
    struct str hello = make_hello("a.example", TLS1_1_VERSION);
    assert_int_equal(say(hello), 70); /* protocol_version */
    assert_problem("unsupported protocol");
    free((void *)(uintptr_t)hello.p);
}

static void
names_are_judged(void **state)
{
    static const struct {
        const char *sent, *heard;
    } names[] = {
        { "A.example.", "a.example" },
        { "a_b.example", "a_b.example" },
        { "127.0.0.1", "127.0.0.1" },
        { "a..example", NULL },
        { ".example", NULL },
        { "a b", NULL },
        { "a/../b", NULL },
        { "\xc3\xa4.example", NULL },
        { ".", NULL },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str hello = make_hello(names[i].sent, TLS1_3_VERSION);
        leaves = true;
        (void)say(hello);
        assert_int_equal(pair.asked, 1);
        assert_int_equal(pair.malformed, names[i].heard == NULL);
        free((void *)(uintptr_t)hello.p);
    }
}

/* Each byte of a hello, changed: whatever comes of it, it ends. */
static void
any_byte_may_be_wrong(void **state)
{
    struct str hello = make_hello("a.example", TLS1_3_VERSION);
    char *spoilt = malloc(hello.n);
    leaves = true;
    for (size_t i = 0; i < hello.n; i++) {
        memcpy(spoilt, hello.p, hello.n);
        spoilt[i] = (char)~spoilt[i];
        (void)say((struct str){ spoilt, hello.n });
        assert_true(pair.server_outcome < 0);
    }
    free(spoilt);
    free((void *)(uintptr_t)hello.p);
}

/* --- Established, then hostile --- */

static void
serve(void *arg)
{
    char in[64];
    ssize_t n;
    pair.server_outcome = tls_accept(&pair.server, context, pair_choose, &pair, STR_NONE,
                                     clock_in(patience), &pair.server_problem);
    assert_int_equal(pair.server_outcome, 0);
    while ((n = conn_read(&pair.server, in, sizeof in, clock_in(5000))) > 0)
        pair.asked += (unsigned)n;
    pair.server_outcome = (int)n;
    assert_int_equal(ERR_peek_error(), 0);
    conn_close(&pair.server);
}

typedef void deed_fn(SSL *ssl);

static void
main_of_deed(void *arg)
{
    deed_fn *deed = *(deed_fn **)arg;
    struct child server;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (old_client)
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL *ssl = hand_open(ctx, "a.example", NULL);
    pair_open(&pair);
    child_start(&server, serve, NULL);
    assert_true(hand_shake(ssl, &pair.client));
    deed(ssl);
    child_join(&server);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    conn_close(&pair.client);
}

static void
do_to_server(deed_fn *deed, bool old)
{
    old_client = old;
    assert_int_equal(loop_run_fiber(main_of_deed, &deed), 0);
}

static void
renegotiate(SSL *ssl)
{
    char in[8];
    assert_int_equal(SSL_renegotiate(ssl), 1);
    (void)SSL_do_handshake(ssl);
    hand_out(ssl, &pair.client);
    while (SSL_read(ssl, in, sizeof in) <= 0 && SSL_get_error(ssl, -1) != SSL_ERROR_SSL) {
        hand_out(ssl, &pair.client);
        if (!hand_in(ssl, &pair.client))
            break;
    }
    assert_int_equal(SSL_num_renegotiations(ssl), 1); /* tried, and */
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    conn_close(&pair.client);
}

static void
renegotiation_is_refused(void **state)
{
    do_to_server(renegotiate, true);
}

static void
update_keys(SSL *ssl)
{
    for (int i = 0; i < 5000 && conn_is_open(&pair.client); i++) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        (void)SSL_do_handshake(ssl);
        hand_out(ssl, &pair.client);
        if (pair.client.watch.ready & WATCH_HANGUP)
            break;
    }
    (void)shutdown(pair.client.watch.fd, SHUT_WR);
}

static void
key_updates_without_end_are_cut(void **state)
{
    do_to_server(update_keys, false);
    assert_int_equal(pair.server_outcome, -EPROTO);
}

static void
spoil_record(SSL *ssl)
{
    char *p;
    assert_int_equal(SSL_write(ssl, "hello", 5), 5);
    (void)BIO_get_mem_data(SSL_get_wbio(ssl), &p);
    p[9] ^= 1;
    hand_out(ssl, &pair.client);
}

static void
a_forged_record_ends_the_session(void **state)
{
    do_to_server(spoil_record, false);
    assert_int_equal(pair.server_outcome, -EPROTO);
    assert_int_equal(pair.asked, 1); /* nothing of it was believed */
}

/* --- Cancellation --- */

static void
cancel_amid(void *arg)
{
    struct child server;
    pair_open(&pair);
    child_start(&server, greet, NULL);
    assert_int_equal(conn_write(&pair.client, "\x16\x03\x01", 3, 1000), 0);
    (void)fiber_yield();
    child_cancel(&server);
    child_join(&server);
    assert_int_equal(pair.server_outcome, -ECANCELED);
    conn_close(&pair.client);
}

static void
a_handshake_can_be_cancelled(void **state)
{
    assert_int_equal(loop_run_fiber(cancel_amid, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_no_handshake_is_refused, reset),
        cmocka_unit_test_setup(who_leaves_amid_the_hello_has_closed, reset),
        cmocka_unit_test_setup(who_is_silent_amid_the_hello_is_not_waited_for, reset),
        cmocka_unit_test_setup(a_hello_without_end_is_cut, reset),
        cmocka_unit_test_setup(a_version_too_low_is_told_so, reset),
        cmocka_unit_test_setup(names_are_judged, reset),
        cmocka_unit_test_setup(any_byte_may_be_wrong, reset),
        cmocka_unit_test_setup(renegotiation_is_refused, reset),
        cmocka_unit_test_setup(key_updates_without_end_are_cut, reset),
        cmocka_unit_test_setup(a_forged_record_ends_the_session, reset),
        cmocka_unit_test_setup(a_handshake_can_be_cancelled, reset),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
