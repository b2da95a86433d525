#include "pair.h"

#include "base/must.h"
#include "mint.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/socket.h>

struct certificate *
pair_certificate(const char *kind, const char *name)
{
    EVP_PKEY *key = mint_key(kind);
    X509 *x = mint_certificate(&(struct mint){ .name = name, .key = key, .authority = true });
    char *key_pem = mint_key_pem(key, false, NULL);
    char *both = mint_join(mint_pem(x), key_pem);
    free(key_pem);
    struct certificate_input in = { .path = STR("/test.pem"),
                                    .key_path = STR("/test.pem"),
                                    .pem = str_of(both),
                                    .key_pem = str_of(both) };
    struct tls_problem p = { "" };
    struct certificate *c = certificate_get(&in, &p);
    must(c != NULL);
    free(both);
    X509_free(x);
    EVP_PKEY_free(key);
    return c;
}

char *
pair_pem(struct certificate *c)
{
    return mint_pem(certificate_leaf(c));
}

struct tls_profile
pair_profile(bool server)
{
    return (struct tls_profile){ .server = server,
                                 .protocols = TLS_1_2 | TLS_1_3,
                                 .tickets = true,
                                 .session_ids = true,
                                 .session_timeout_ms = 300000,
                                 .reuse_sessions = true };
}

struct tls_context *
pair_context(const struct tls_profile *profile)
{
    struct tls_problem p = { "" };
    struct tls_context *c = tls_context_get(profile, &p);
    must(c != NULL);
    return c;
}

void
pair_choose(void *arg, const struct tls_hello *hello, struct tls_choice *out)
{
    struct pair *p = arg;
    p->asked++;
    memcpy(p->name, hello->server_name.p ? hello->server_name.p : "", hello->server_name.n);
    p->name[hello->server_name.n] = '\0';
    p->malformed = hello->malformed_name;
    *out = p->choice;
}

void
pair_open(struct pair *p)
{
    int fds[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    must(conn_open(&p->server, fds[0], WATCH_WRITE) == 0);
    must(conn_open(&p->client, fds[1], WATCH_WRITE) == 0);
    p->asked = 0;
}

static void
accept_pair(void *arg)
{
    struct pair *p = arg;
    p->server_outcome = tls_accept(&p->server, p->first ? p->first : p->choice.context, pair_choose,
                                   p, p->ahead, clock_in(10000), &p->server_problem);
    if (p->server_outcome < 0)
        conn_close(&p->server);
}

void
pair_shake(struct pair *p)
{
    struct child server;
    pair_open(p);
    child_start(&server, accept_pair, p);
    p->client_outcome = tls_connect(&p->client, &p->target, clock_in(10000), &p->client_problem);
    if (p->client_outcome < 0)
        conn_close(&p->client);
    child_join(&server);
}

void
pair_close(struct pair *p)
{
    conn_close(&p->client);
    conn_close(&p->server);
}
