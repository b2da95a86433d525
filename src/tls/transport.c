/* What a session does for its conn: reading, writing, saying goodbye.
 *
 * None of it blocks. OpenSSL's error queue is emptied before each call and after each failure:
 * what one connection says is never told of another. */
#include "tls/state.h"

#include <errno.h>

static int
break_off(struct tls_session *s, int error)
{
    tls_problem_clear();
    s->broken = true;
    return s->error < 0 ? s->error : error;
}

/* --- Reading --- */

static size_t
read_plain(struct tls_session *s, char *p, size_t n)
{
    size_t some = s->plain_n - s->plain_at < n ? s->plain_n - s->plain_at : n;
    memcpy(p, s->plain->data + s->plain_at, some);
    s->plain_at += some;
    if (s->plain_at == s->plain_n) {
        buffer_put(s->plain);
        s->plain = NULL;
    }
    return some;
}

/* Early data first, then what comes after the handshake. 1, or 0 with the error to be asked for. */
static int
read_ssl(struct tls_session *s, char *p, size_t n, size_t *got)
{
    if (s->early) {
        int result = SSL_read_early_data(s->ssl, p, n, got);
        if (result != SSL_READ_EARLY_DATA_FINISH)
            return result == SSL_READ_EARLY_DATA_SUCCESS;
        s->early = false;
        if (*got > 0)
            return 1;
    }
    return SSL_read_ex(s->ssl, p, n, got);
}

/* Of one record: bytes, 0 at the end, -EAGAIN or -errno. */
static ssize_t
read_some(struct tls_session *s, char *p, size_t n)
{
    size_t got = 0;
    if (s->plain)
        return (ssize_t)read_plain(s, p, n);
    tls_problem_clear();
    if (read_ssl(s, p, n, &got) == 1) {
        s->fruitless = 0;
        return (ssize_t)got;
    }
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
        s->dry = true;
        return -EAGAIN;
    default: /* WANT_WRITE too: it makes us say more than it takes */
        return break_off(s, -EPROTO);
    }
}

/* Does reading tell something at once? The end too, which may have come behind what was read. */
static bool
is_pending(const struct tls_session *s)
{
    return s->plain || s->broken || SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN ||
           SSL_pending(s->ssl) > 0 ||
           (!s->dry && (s->kept.at < s->kept.n || SSL_has_pending(s->ssl)));
}

/* A record holds 16 KiB at most: what fits and is there is read at once. */
static ssize_t
read_transport(struct conn *c, void *p, size_t n, unsigned *want)
{
    struct tls_session *s = c->session;
    size_t sum = 0;
    ssize_t got = s->broken ? -EPROTO : read_some(s, p, n);
    while (got > 0) {
        sum += (size_t)got;
        if (sum == n || !conn_maybe_readable(c))
            break;
        got = read_some(s, (char *)p + sum, n - sum);
    }
    if (sum > 0)
        return (ssize_t)sum;
    if (got == -EAGAIN && s->sealed == 0)
        (void)tls_flush(s);
    *want = WATCH_READ;
    return got;
}

static bool
pending_transport(const struct conn *c)
{
    const struct tls_session *s = c->session;
    return is_pending(s);
}

/* --- Writing --- */

/* Bytes count as written when the socket has all of their records. Until then the caller comes
 * again with the same. */
static ssize_t
own_up(struct tls_session *s, unsigned *want)
{
    int e = tls_flush(s);
    if (e == -EAGAIN)
        *want = WATCH_WRITE;
    if (e < 0)
        return e;
    size_t sent = s->sealed;
    s->sealed = 0;
    return (ssize_t)sent;
}

static ssize_t
write_transport(struct conn *c, const struct iovec *iov, int n, unsigned *want)
{
    struct tls_session *s = c->session;
    if (s->broken)
        return s->error < 0 ? s->error : -EPIPE;
    if (!(c->watch.ready & (WATCH_WRITE | WATCH_ERROR))) {
        *want = WATCH_WRITE;
        return -EAGAIN;
    }
    if (s->kernel_seals) {
        *want = WATCH_WRITE;
        return conn_send(c, iov, n);
    }
    if (s->sealed > 0)
        return own_up(s, want);
    ssize_t sealed = tls_seal(s, iov, n);
    if (sealed < 0)
        return break_off(s, (int)sealed);
    s->sealed = (size_t)sealed;
    return own_up(s, want);
}

/* --- The end --- */

/* close_notify, as far as the socket takes it. */
static int
shutdown_transport(struct conn *c, unsigned *want)
{
    struct tls_session *s = c->session;
    if (s->broken || s->handshake || SSL_in_before(s->ssl) || !SSL_is_init_finished(s->ssl))
        return 0;
    tls_problem_clear();
    (void)SSL_shutdown(s->ssl);
    tls_problem_clear();
    return tls_flush(s);
}

/* A session that ends without goodbye may be resumed all the same. */
static void
fini_transport(struct conn *c)
{
    struct tls_session *s = c->session;
    if (!s->broken)
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_session_close(s);
}

static bool
seals_in_kernel(const struct conn *c)
{
    const struct tls_session *s = c->session;
    return s->kernel_seals;
}

const struct transport tls_transport = {
    .read = read_transport,
    .writev = write_transport,
    .shutdown = shutdown_transport,
    .fini = fini_transport,
    .pending = pending_transport,
    .sealed_by_kernel = seals_in_kernel,
};
