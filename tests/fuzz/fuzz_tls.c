/* Any bytes as what a client says to a TLS server: the handshake ends, with an alert or without,
 * and leaves nothing behind, in OpenSSL's error queue least of all.
 *
 * The first byte is the size of the pieces in which the rest arrives; its lowest bit says whether
 * the context that the hello was read with is also the one that is chosen. */
#include "target.h"

#include "tls/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBfzCCASWgAwIBAgIUcXcB7aGSuueNALZtKDRNgcHClcQwCgYIKoZIzj0EAwIw\n"
                          "FDESMBAGA1UEAwwJYS5leGFtcGxlMCAXDTI2MTEyMTExNDUzMloYDzIxMjYxMDI4\n"
                          "MTE0NTMyWjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n"
                          "PQMBBwNCAAQsA/ShbyHCGfXKMUtQANl5Y2n/KBlJ2Qq8sdtJdhUxMJMij23fmVmj\n"
                          "M8CSHW6s6sp4+QTsxc3yaM2a+8baYxxGo1MwUTAdBgNVHQ4EFgQUcqNtPvUl5ykR\n"
                          "dlZ+HFvnad2vCsMwHwYDVR0jBBgwFoAUcqNtPvUl5ykRdlZ+HFvnad2vCsMwDwYD\n"
                          "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBgUuvlivnqv78/1zsST+IT\n"
                          "xKBeTOjQB+Ei1qz9500dugIhAMspNMgk+PRkG8cW1903NpgTyAp3mk2K/OvWEyvs\n"
                          "LuhD\n"
                          "-----END CERTIFICATE-----\n"
                          "-----BEGIN PRIVATE KEY-----\n"
                          "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRq1MxGFDxcxJTGu4\n"
                          "KOohypnSZr/XSEbGfywCReQGNyChRANCAAQsA/ShbyHCGfXKMUtQANl5Y2n/KBlJ\n"
                          "2Qq8sdtJdhUxMJMij23fmVmjM8CSHW6s6sp4+QTsxc3yaM2a+8baYxxG\n"
                          "-----END PRIVATE KEY-----\n";

static struct certificate *certificate;
static struct tls_context *first, *other;

struct visit {
    struct conn server, client;
    struct str says;
    size_t piece;
    bool elsewhere;
};

static void
start(void)
{
    struct tls_problem p;
    struct tls_profile profile = { .server = true,
                                   .protocols = TLS_1_2 | TLS_1_3,
                                   .tickets = true,
                                   .session_timeout_ms = 300000 };
    struct certificate_input in = { .path = STR("/fuzz"),
                                    .key_path = STR("/fuzz"),
                                    .pem = { pem, sizeof pem - 1 },
                                    .key_pem = { pem, sizeof pem - 1 } };
    must(loop_open() == 0);
    certificate = certificate_get(&in, &p);
    first = tls_context_get(&profile, &p);
    profile.early_data = true;
    other = tls_context_get(&profile, &p);
    must(certificate && first && other);
}

static void
choose(void *arg, const struct tls_hello *hello, struct tls_choice *out)
{
    const struct visit *v = arg;
    must(hello->server_name.n < 256 && !(hello->malformed_name && hello->server_name.n));
    *out = (struct tls_choice){ .context = v->elsewhere ? other : first,
                                .certificates = &certificate,
                                .n_certificates = 1,
                                .http2 = v->elsewhere };
}

static void
say_all(struct visit *v)
{
    struct str rest = v->says;
    while (rest.n) {
        struct str piece = str_head(rest, v->piece);
        rest = str_skip(rest, piece.n);
        if (conn_write(&v->client, piece.p, piece.n, 10000) < 0)
            break;
        must(fiber_yield() == 0);
    }
    (void)conn_shutdown_write(&v->client);
}

static void
serve(void *arg)
{
    struct visit *v = arg;
    struct tls_problem p = { "" };
    char in[4096];
    ssize_t n = tls_accept(&v->server, first, choose, v, STR_NONE, clock_in(10000), &p);
    must(n <= 0 && n != -ETIMEDOUT);
    must(n != -EPROTO || p.text[0]);
    if (n == 0) /* early data that somebody kept */
        while ((n = conn_read(&v->server, in, sizeof in, clock_in(10000))) > 0)
            continue;
    must(ERR_peek_error() == 0);
    conn_close(&v->server);
}

static void
visit(void *arg)
{
    struct visit *v = arg;
    struct child server;
    int fds[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    must(conn_open(&v->client, fds[0], WATCH_WRITE) == 0);
    must(conn_open(&v->server, fds[1], WATCH_WRITE) == 0);
    child_start(&server, serve, v);
    say_all(v);
    child_join(&server);
    conn_close(&v->client);
    must(fiber_count() == 1);
    loop_stop();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (certificate == NULL)
        start();
    struct visit v = { .says = { (const char *)data + 1, size - 1 },
                       .piece = data[0] > 1 ? data[0] : size,
                       .elsewhere = data[0] & 1 };
    if (v.piece < size / 40)
        v.piece = size / 40;
    fiber_spawn(visit, &v);
    loop_run();
    return 0;
}
