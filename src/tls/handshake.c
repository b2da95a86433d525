/* The handshake of either side: a step of OpenSSL's, what it has to say, a wait, until it is done.
 */
#include "base/must.h"
#include "fiber/offload.h"
#include "tls/state.h"

#include <errno.h>

static void
take_step(void *arg)
{
    struct tls_session *s = arg;
    struct tls_handshake *h = s->handshake;
    tls_problem_clear();
    int result = h->step(s);
    h->error = SSL_get_error(s->ssl, result);
    if (h->error == SSL_ERROR_SSL)
        tls_problem_take(h->problem, "SSL_do_handshake() failed");
}

/* The costly kind, while this thread serves others: OpenSSL sees memory only. */
static void
take_step_away(struct tls_session *s)
{
    (void)tls_out_room(s);
    s->detached = true;
    offload(take_step, s);
    s->detached = false;
    s->handshake->away = false;
}

/* Waits until one of the bits is there; what is sealed leaves first. */
static int
wait_for(struct tls_session *s, unsigned bits, uint64_t deadline)
{
    int e = tls_flush(s);
    if (e == -EAGAIN)
        return watch_wait(&s->conn->watch, WATCH_WRITE, deadline);
    if (e < 0 || bits == 0)
        return e;
    return watch_wait(&s->conn->watch, bits, deadline);
}

/* OpenSSL has more to say than there is room for, in `out` or, where the kernel may seal, in the
 * socket. */
static int
wait_for_room(struct tls_session *s, uint64_t deadline)
{
    if (!tls_kernel_is_offered(s->ssl))
        return wait_for(s, 0, deadline);
    s->conn->watch.ready &= ~(unsigned)WATCH_WRITE;
    return watch_wait(&s->conn->watch, WATCH_WRITE, deadline);
}

/* All that was said has left. What a server says last may leave with the answer, or before the next
 * wait: it is the client who asks. */
static int
finish(struct tls_session *s, uint64_t deadline)
{
    if (SSL_is_server(s->ssl) && conn_maybe_readable(s->conn))
        return 0;
    while (s->out) {
        int e = wait_for(s, 0, deadline);
        if (e < 0)
            return e;
    }
    return 0;
}

static int
give_up(struct tls_session *s)
{
    struct tls_handshake *h = s->handshake;
    tls_problem_clear();
    (void)tls_flush(s); /* the alert */
    s->broken = true;
    if (h->error == SSL_ERROR_SSL && s->error == 0)
        return -EPROTO;
    if (s->error == -EPROTO) {
        tls_problem_say(h->problem, "too much was sent in SSL handshake");
        return -EPROTO;
    }
    tls_problem_say(h->problem, "peer closed connection in SSL handshake");
    return s->error < 0 ? s->error : -ECONNRESET;
}

int
tls_shake(struct tls_session *s, struct tls_handshake *h, uint64_t deadline)
{
    for (;;) {
        if (h->away)
            take_step_away(s);
        else
            take_step(s);
        int e = 0;
        switch (h->error) {
        case SSL_ERROR_NONE:
            tls_kernel_settle(s);
            return finish(s, deadline);
        case SSL_ERROR_WANT_CLIENT_HELLO_CB:
            return -EAGAIN;
        case SSL_ERROR_WANT_WRITE:
            e = wait_for_room(s, deadline);
            break;
        case SSL_ERROR_WANT_READ:
            s->dry = true; /* part of a record may be kept: it says nothing */
            e = wait_for(s, WATCH_READ, deadline);
            break;
        default:
            return give_up(s);
        }
        if (e < 0)
            return e;
    }
}
