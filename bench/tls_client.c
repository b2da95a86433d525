/* A TLS 1.3 client that counts what opening a connection costs.
 *
 *     tls_client full|resume PORT CONNECTIONS SECONDS
 *     tls_client hold PORT CONNECTIONS
 *
 * `full` and `resume` keep CONNECTIONS busy: connect, shake hands, ask for one small answer with
 * Connection: close, wait for the closing, begin again. `resume` offers the ticket of the slot's
 * connection before, `full` never does. A line of JSON tells what came of it; a handshake of the
 * wrong sort is counted as refused. `hold` opens CONNECTIONS, has one request answered on each,
 * says "ready", and keeps them until its input ends.
 *
 * Nothing is verified: it is for loopback and a benchmark, nothing else. */
#include "loopback.h"

#include <err.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\n"

enum { ANSWER = 1024, BATCH = 256, SLOWEST_US = 1000 * 1000, OPENING = 64, READ = 16 * 1024 };
enum mode { FULL, RESUME, HOLD };
enum outcome { WAITS, DONE, BROKEN };

struct client {
    SSL *ssl; /* NULL: not open */
    int fd;
    bool asked;
    bool answered;
    unsigned ends; /* of "\r\n\r\n", how much was seen; 4: the body is being read */
    size_t body;
    uint64_t begun_us;
    SSL_SESSION *session; /* what the last connection left; owned */
};

static enum mode mode;
static uint16_t port;
static int epoll;
static SSL_CTX *context;
static unsigned long done, failed, refused, resumed;
static unsigned latency[SLOWEST_US + 1];

static uint64_t
now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *client = SSL_get_app_data(ssl);
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

static SSL_CTX *
new_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1)
        errx(1, "no TLS 1.3");
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (mode == RESUME) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
    }
    return ctx;
}

/* A copy, for OpenSSL offers a session once, and not every server sends another ticket. */
static void
offer_session(struct client *client)
{
    if (client->session == NULL)
        return;
    SSL_SESSION *copy = SSL_SESSION_dup(client->session);
    SSL_set_session(client->ssl, copy);
    SSL_SESSION_free(copy);
}

static void
client_open(struct client *client)
{
    client->begun_us = now_us();
    client->asked = client->answered = false;
    client->ends = 0;
    client->body = 0;
    client->fd = loopback_connect(port);
    client->ssl = SSL_new(context);
    if (client->fd < 0 || client->ssl == NULL)
        err(1, "connect");
    SSL_set_fd(client->ssl, client->fd);
    SSL_set_app_data(client->ssl, client);
    SSL_set_connect_state(client->ssl);
    offer_session(client);
    loopback_watch(epoll, client->fd, LOOPBACK_EVENTS, client);
}

static void
client_close(struct client *client)
{
    SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    client->ssl = NULL;
    close(client->fd);
}

/* What n more bytes of the answer mean. */
static void
judge(struct client *client, const char *bytes, size_t n)
{
    size_t i = 0;
    for (; i < n && client->ends < 4; i++) {
        if (bytes[i] == "\r\n\r\n"[client->ends])
            client->ends++;
        else
            client->ends = bytes[i] == '\r';
    }
    client->body += n - i;
    client->answered = client->body == ANSWER;
}

static bool
waits(struct client *client, int result)
{
    int error = SSL_get_error(client->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static enum outcome
shake_hands_and_ask(struct client *client)
{
    const char *rest = mode == HOLD ? "\r\n" : "Connection: close\r\n\r\n";
    int n = SSL_do_handshake(client->ssl);
    if (n != 1)
        return waits(client, n) ? WAITS : BROKEN;
    bool old = SSL_session_reused(client->ssl) == 1;
    resumed += old;
    refused += old != (client->session != NULL);
    char request[256];
    int size = snprintf(request, sizeof request, REQUEST "%s", rest);
    client->asked = true;
    return SSL_write(client->ssl, request, size) == size ? DONE : BROKEN;
}

/* On until the peer has to speak. */
static enum outcome
go_on(struct client *client)
{
    if (!client->asked) {
        enum outcome o = shake_hands_and_ask(client);
        if (o != DONE)
            return o;
    }
    for (;;) {
        char bytes[READ];
        int n = SSL_read(client->ssl, bytes, sizeof bytes);
        if (n <= 0 && waits(client, n))
            return WAITS;
        if (n <= 0)
            return client->answered ? DONE : BROKEN;
        judge(client, bytes, (size_t)n);
        if (mode == HOLD && client->answered)
            return DONE;
    }
}

static void
count(struct client *client, enum outcome o)
{
    if (o == BROKEN) {
        ERR_clear_error();
        failed++;
        return;
    }
    uint64_t took = now_us() - client->begun_us;
    latency[took < SLOWEST_US ? took : SLOWEST_US]++;
    done++;
}

/* Waits for events until the time comes and hands them to `see`. */
static void
turn(uint64_t until_us, void (*see)(struct client *client, enum outcome o))
{
    struct epoll_event events[BATCH];
    uint64_t now = now_us();
    int n = epoll_wait(epoll, events, BATCH, until_us > now ? (int)((until_us - now) / 1000) : 0);
    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;
        if (client->ssl == NULL || (client->answered && mode == HOLD))
            continue;
        bool lost = (events[i].events & EPOLLERR) != 0;
        enum outcome o = lost ? BROKEN : go_on(client);
        if (o != WAITS)
            see(client, o);
    }
}

static void
begin_again(struct client *client, enum outcome o)
{
    count(client, o);
    client_close(client);
    client_open(client);
}

static unsigned
percentile(unsigned percent)
{
    unsigned long seen = 0;
    for (unsigned us = 0; us < SLOWEST_US; us++) {
        seen += latency[us];
        if (seen * 100 >= done * percent)
            return us;
    }
    return SLOWEST_US;
}

static void
load(struct client *clients, int connections, double seconds)
{
    uint64_t begun = now_us(), until = begun + (uint64_t)(seconds * 1e6);
    for (int i = 0; i < connections; i++)
        client_open(&clients[i]);
    while (now_us() < until)
        turn(until, begin_again);
    printf("{\"requests\": %lu, \"seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u, "
           "\"resumed\": %lu, \"refused\": %lu, \"failed\": %lu}\n",
           done, (double)(now_us() - begun) / 1e6, percentile(50), percentile(99), resumed, refused,
           failed);
}

static void
hold(struct client *clients, int connections)
{
    int opened = 0;
    while (done + failed < (unsigned long)connections) {
        for (; opened < connections && opened < (int)(done + failed) + OPENING; opened++)
            client_open(&clients[opened]);
        turn(UINT64_MAX / 2, count);
        if (failed > 0)
            errx(1, "of %d connections %lu broke after %lu were answered", connections, failed,
                 done);
    }
    printf("ready\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
}

static void
clean_up(struct client *clients, int connections)
{
    for (int i = 0; i < connections; i++) {
        client_close(&clients[i]);
        SSL_SESSION_free(clients[i].session);
    }
    free(clients);
    SSL_CTX_free(context);
}

static enum mode
mode_of(int argc, char **argv)
{
    static const char *const names[] = { "full", "resume", "hold" };
    for (int i = FULL; i <= HOLD; i++) {
        if (argc == (i == HOLD ? 4 : 5) && strcmp(argv[1], names[i]) == 0)
            return (enum mode)i;
    }
    errx(2, "usage: tls_client full|resume PORT CONNECTIONS SECONDS, or hold PORT CONNECTIONS");
}

int
main(int argc, char **argv)
{
    mode = mode_of(argc, argv);
    port = loopback_port(argv[2]);
    int connections = atoi(argv[3]);
    signal(SIGPIPE, SIG_IGN);
    struct client *clients = calloc((size_t)connections, sizeof *clients);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (connections < 1 || clients == NULL || epoll < 0)
        err(1, "%s connections", argv[3]);
    context = new_context();
    if (mode == HOLD)
        hold(clients, connections);
    else
        load(clients, connections, atof(argv[4]));
    clean_up(clients, connections);
}
