/* The server's handshake: look at the hello, have a context and certificates chosen, go on.
 *
 * Versions, ciphers, verification and sessions must be those of the chosen context from the first
 * byte. So when it is not the one that the hello was read with, the bytes are read again with the
 * right one; servers of the same settings share their context, which makes that rare. */
#include "tls/state.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { EARLY_MAX = SSL3_RT_MAX_PLAIN_LENGTH };

static int
shake_hands(struct tls_session *s)
{
    return SSL_do_handshake(s->ssl);
}

/* The handshake counts as done when there is early data: the request is answered at once. */
static int
read_early(struct tls_session *s)
{
    int result = SSL_read_early_data(s->ssl, s->plain->data + s->plain_n, EARLY_MAX - s->plain_n,
                                     &s->plain_n);
    if (result != SSL_READ_EARLY_DATA_FINISH)
        return result;
    s->early = false;
    s->handshake->step = shake_hands;
    return SSL_do_handshake(s->ssl);
}

static void
begin_steps(struct tls_session *s, const struct tls_context *context)
{
    s->early = context->early_data;
    s->handshake->step = s->early ? read_early : shake_hands;
    if (s->early && s->plain == NULL)
        s->plain = buffer_take_exact(EARLY_MAX);
}

/* A session is only resumed where clients are verified alike, and for the same name (RFC 6066 3).
 * It outlives changes of all else, processes, and machines that share ticket keys. */
static bool
set_identity(struct tls_session *s, const struct tls_context *context)
{
    unsigned char id[SHA256_DIGEST_LENGTH];
    unsigned char text[TLS_DIGEST + 256];
    struct str name = s->handshake->hello.server_name;
    memcpy(text, context->verification, TLS_DIGEST);
    if (name.n)
        memcpy(text + TLS_DIGEST, name.p, name.n);
    SHA256(text, TLS_DIGEST + name.n, id);
    return SSL_set_session_id_context(s->ssl, id, sizeof id) == 1;
}

static bool
is_costly(const struct certificate *c)
{
    return EVP_PKEY_get_base_id(c->key) == EVP_PKEY_RSA ||
           EVP_PKEY_get_base_id(c->key) == EVP_PKEY_RSA_PSS;
}

/* Will this handshake sign with an RSA key? */
static bool
will_be_costly(const struct tls_handshake *h)
{
    bool costly = false;
    if (h->may_resume || h->choice.reject)
        return false;
    for (unsigned i = 0; i < h->choice.n_certificates; i++) {
        if (is_costly(h->choice.certificates[i]))
            costly = true;
        else if (h->elliptic)
            return false;
    }
    return costly;
}

static void
keep_name(struct tls_session *s)
{
    struct str name = s->handshake->hello.server_name;
    if (name.n)
        s->server_name = strndup(name.p, name.n);
}

static bool
choose(struct tls_session *s, struct tls_context *first, tls_choose_fn *choose_fn, void *arg)
{
    struct tls_handshake *h = s->handshake;
    keep_name(s);
    h->choice.context = first;
    choose_fn(arg, &h->hello, &h->choice);
    h->chosen = true;
    s->record_max = h->choice.buffer_size;
    if (h->choice.context != first) {
        if (!tls_session_renew(s, h->choice.context))
            return false;
        begin_steps(s, h->choice.context);
    }
    s->record_hello = false;
    if (s->kept.at == s->kept.n)
        tls_kept_fini(&s->kept);
    h->away = will_be_costly(h) && !tls_kernel_is_offered(s->ssl);
    return set_identity(s, h->choice.context);
}

static int
accept_on(struct tls_session *s, struct tls_context *first, tls_choose_fn *choose_fn, void *arg,
          uint64_t deadline)
{
    struct tls_handshake *h = s->handshake;
    int e = tls_shake(s, h, deadline);
    if (e != -EAGAIN)
        return e;
    if (!choose(s, first, choose_fn, arg)) {
        tls_problem_take(h->problem, "SSL_new() failed");
        return -EPROTO;
    }
    e = tls_shake(s, h, deadline);
    return e == -EAGAIN ? -EPROTO : e;
}

int
tls_accept(struct conn *c, struct tls_context *first, tls_choose_fn *choose_fn, void *arg,
           struct str ahead, uint64_t deadline, struct tls_problem *p)
{
    struct tls_handshake h = { .problem = p };
    struct tls_session *s = tls_session_open(c, first);
    if (s == NULL) {
        tls_problem_take(p, "SSL_new() failed");
        return -EPROTO;
    }
    s->handshake = &h;
    s->record_hello = true;
    begin_steps(s, first);
    int e = -EPROTO;
    if (tls_keep(&s->kept, ahead.p, ahead.n))
        e = accept_on(s, first, choose_fn, arg, deadline);
    else
        tls_problem_say(p, "too much was sent in SSL handshake");
    s->handshake = NULL;
    if (s->plain_n == 0) {
        buffer_put(s->plain);
        s->plain = NULL;
    }
    if (e < 0)
        tls_session_close(s);
    return e;
}
