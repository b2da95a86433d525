/* An SSL_CTX as a profile says: what is spoken, with which parameters. Safe whatever is configured:
 * no compression, no renegotiation, no buffers at rest. */
#include "base/must.h"
#include "tls/state.h"
#include "tls/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* --- A context's struct goes with its SSL_CTX --- */

static int ex_index;

static void
free_context(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long number, void *arg)
{
    struct tls_context *c = p;
    if (c == NULL)
        return;
    tls_resumption_fini(&c->resumption);
    client_sessions_fini(&c->sessions);
    free(c);
}

static void
register_free(void)
{
    ex_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_context);
    must(ex_index > 0);
}

struct tls_context *
tls_context_of(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, ex_index);
}

/* --- Protocols --- */

static const struct protocol {
    unsigned bit;
    int version;
    uint64_t off;
} protocols[] = {
    { TLS_1_0, TLS1_VERSION, SSL_OP_NO_TLSv1 },
    { TLS_1_1, TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
    { TLS_1_2, TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
    { TLS_1_3, TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
};

/* The lowest is set too, as the system's configuration of OpenSSL may have its own. */
static void
set_protocols(SSL_CTX *ctx, unsigned bits)
{
    int lowest = 0;
    (void)SSL_CTX_set_max_proto_version(ctx, 0);
    for (size_t i = sizeof protocols / sizeof *protocols; i-- > 0;) {
        if (bits & protocols[i].bit)
            lowest = protocols[i].version;
        else
            SSL_CTX_set_options(ctx, protocols[i].off);
    }
    (void)SSL_CTX_set_min_proto_version(ctx, lowest);
}

/* --- Parameters --- */

static bool
set_ciphers(SSL_CTX *ctx, const struct tls_profile *profile, struct arena *a, struct tls_problem *p)
{
    if (profile->ciphers.p == NULL)
        return true;
    const char *text = arena_dup(a, profile->ciphers).p;
    if (SSL_CTX_set_cipher_list(ctx, text) == 1)
        return true;
    tls_problem_take(p, arena_printf(a, "SSL_CTX_set_cipher_list(\"%s\") failed", text).p);
    return false;
}

static bool
set_curves(SSL_CTX *ctx, const struct tls_profile *profile, struct arena *a, struct tls_problem *p)
{
    if (profile->curves.p == NULL || str_eq(profile->curves, STR("auto")))
        return true;
    char *text = (char *)(uintptr_t)arena_dup(a, profile->curves).p;
    if (SSL_CTX_set1_curves_list(ctx, text) == 1)
        return true;
    tls_problem_take(p, arena_printf(a, "SSL_CTX_set1_curves_list(\"%s\") failed", text).p);
    return false;
}

static bool
set_dhparam(SSL_CTX *ctx, const struct tls_profile *profile, struct tls_problem *p)
{
    if (profile->dhparam.p == NULL)
        return true;
    BIO *in = BIO_new_mem_buf(profile->dhparam.p, (int)profile->dhparam.n);
    EVP_PKEY *params = in ? PEM_read_bio_Parameters(in, NULL) : NULL;
    BIO_free(in);
    if (params == NULL) {
        tls_problem_take(p, "PEM_read_bio_Parameters() failed");
        p->about = &profile->dhparam;
        return false;
    }
    if (SSL_CTX_set0_tmp_dh_pkey(ctx, params) == 1)
        return true;
    EVP_PKEY_free(params);
    tls_problem_take(p, "SSL_CTX_set0_tmp_dh_pkey() failed");
    return false;
}

static bool
run_command(SSL_CONF_CTX *conf, const struct tls_command *c, struct arena *a, struct tls_problem *p)
{
    const char *name = arena_dup(a, c->name).p, *value = arena_dup(a, c->value).p;
    if (SSL_CONF_cmd(conf, name, value) > 0)
        return true;
    tls_problem_take(p, arena_printf(a, "SSL_CONF_cmd(\"%s\", \"%s\") failed", name, value).p);
    return false;
}

static bool
run_commands(SSL_CTX *ctx, const struct tls_profile *profile, struct arena *a,
             struct tls_problem *p)
{
    if (profile->commands == NULL)
        return true;
    SSL_CONF_CTX *conf = SSL_CONF_CTX_new();
    must(conf != NULL);
    SSL_CONF_CTX_set_flags(
        conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SHOW_ERRORS | SSL_CONF_FLAG_CERTIFICATE |
                  (profile->server ? SSL_CONF_FLAG_SERVER : SSL_CONF_FLAG_CLIENT));
    SSL_CONF_CTX_set_ssl_ctx(conf, ctx);
    bool fine = true;
    for (const struct tls_command *c = profile->commands; c && fine; c = c->next)
        fine = run_command(conf, c, a, p);
    if (fine && SSL_CONF_CTX_finish(conf) != 1) {
        tls_problem_take(p, "SSL_CONF_finish() failed");
        fine = false;
    }
    SSL_CONF_CTX_free(conf);
    return fine;
}

/* --- The whole --- */

/* In the format of NSS (SSLKEYLOGFILE), which debuggers of traffic read. */
static void
on_secret(const SSL *ssl, const char *line)
{
    char text[512];
    int n = snprintf(text, sizeof text, "%s\n", line);
    if (n > 0 && (size_t)n < sizeof text)
        log_file_write(tls_context_of(SSL_get_SSL_CTX(ssl))->key_log, NULL,
                       (struct str){ text, (size_t)n });
    OPENSSL_cleanse(text, sizeof text);
}

static void
set_manners(SSL_CTX *ctx, const struct tls_profile *profile)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (profile->prefer_server_ciphers)
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(ctx, 1);
    if (profile->key_log)
        SSL_CTX_set_keylog_callback(ctx, on_secret);
}

static bool
set_server(SSL_CTX *ctx, const struct tls_profile *profile, struct tls_problem *p)
{
    SSL_CTX_set_client_hello_cb(ctx, tls_on_hello, NULL);
    SSL_CTX_set_cert_cb(ctx, tls_on_certificate, NULL);
    SSL_CTX_set_tlsext_status_cb(ctx, tls_on_status);
    SSL_CTX_set_alpn_select_cb(ctx, tls_on_alpn, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, tls_on_server_name);
    return tls_resumption_init(&tls_context_of(ctx)->resumption, ctx, profile, p);
}

/* A backend's session, to be resumed with the next connection to it. */
static int
on_client_session(SSL *ssl, SSL_SESSION *session)
{
    uint64_t key = tls_session_of(ssl)->session_key;
    if (key)
        client_sessions_put(&tls_context_of(SSL_get_SSL_CTX(ssl))->sessions, key, session);
    return 0;
}

static void
set_client(SSL_CTX *ctx, const struct tls_profile *profile)
{
    if (!profile->reuse_sessions)
        return;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_client_session);
}

static bool
configure(SSL_CTX *ctx, const struct tls_profile *profile, struct tls_problem *p)
{
    struct arena a;
    arena_init(&a, 0);
    set_protocols(ctx, profile->protocols);
    set_manners(ctx, profile);
    bool fine = !profile->server || set_server(ctx, profile, p);
    if (!profile->server)
        set_client(ctx, profile);
    fine = fine && set_ciphers(ctx, profile, &a, p) && set_curves(ctx, profile, &a, p) &&
           set_dhparam(ctx, profile, p) && tls_trust(ctx, profile, p) &&
           run_commands(ctx, profile, &a, p);
    arena_fini(&a);
    return fine;
}

SSL_CTX *
tls_build(const struct tls_profile *profile, struct tls_problem *p)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, register_free);
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(profile->server ? TLS_server_method() : TLS_client_method());
    if (ctx == NULL) {
        tls_problem_take(p, "SSL_CTX_new() failed");
        return NULL;
    }
    struct tls_context *c = calloc(1, sizeof *c);
    must(c != NULL);
    *c = (struct tls_context){ .ctx = ctx,
                               .server = profile->server,
                               .verify = profile->verify,
                               .early_data = profile->early_data,
                               .key_log = profile->key_log };
    client_sessions_init(&c->sessions);
    must(SSL_CTX_set_ex_data(ctx, ex_index, c) == 1);
    if (configure(ctx, profile, p))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
