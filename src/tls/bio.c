/* OpenSSL's bytes, to and from the conn: reads are the socket's own, straight into OpenSSL's
 * buffer; writes gather in a pooled buffer that leaves in one system call.
 *
 * While the session is detached, another thread calls: then there are only the bytes kept and the
 * buffer taken before. */
#include "base/must.h"
#include "tls/state.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    HELLO_MAX = 64 * 1024,     /* RFC 8446 allows more than anybody sends */
    FRUITLESS_MAX = 80 * 1024, /* key updates, tickets, empty records; and one record of 16 KiB */
    SMALL_REST = 8 * 1024,
};

/* --- What is kept --- */

bool
tls_keep(struct tls_kept *k, const void *p, size_t n)
{
    if (k->n + n > HELLO_MAX)
        return false;
    if (k->n + n > k->cap) {
        size_t cap = k->n + n < 2048 ? 2048 : 2 * (k->n + n);
        char *grown = realloc(k->p, cap);
        must(grown != NULL);
        k->p = grown;
        k->cap = cap;
    }
    if (n)
        memcpy(k->p + k->n, p, n);
    k->n += n;
    return true;
}

void
tls_kept_fini(struct tls_kept *k)
{
    free(k->p);
    *k = (struct tls_kept){ 0 };
}

static size_t
read_kept(struct tls_session *s, char *p, size_t n)
{
    struct tls_kept *k = &s->kept;
    size_t some = k->n - k->at < n ? k->n - k->at : n;
    memcpy(p, k->p + k->at, some);
    k->at += some;
    if (k->at == k->n && !s->record_hello)
        tls_kept_fini(k);
    return some;
}

/* --- Reading --- */

static ssize_t
receive(struct tls_session *s, char *p, size_t n)
{
    if (s->detached)
        return -EAGAIN;
    if (s->fruitless > FRUITLESS_MAX && s->handshake == NULL)
        return -EPROTO;
    ssize_t got = conn_recv(s->conn, p, n);
    if (got <= 0)
        return got;
    s->fruitless += (size_t)got;
    s->dry = false;
    if (s->record_hello) {
        if (!tls_keep(&s->kept, p, (size_t)got))
            return -EPROTO;
        s->kept.at = s->kept.n;
    }
    return got;
}

static int
read_bio(BIO *b, char *p, int n)
{
    struct tls_session *s = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (n <= 0)
        return 0;
    if (s->kept.at < s->kept.n)
        return (int)read_kept(s, p, (size_t)n);
    ssize_t got = receive(s, p, (size_t)n);
    if (got == -EAGAIN)
        BIO_set_retry_read(b);
    else if (got < 0)
        s->error = (int)got;
    else if (got == 0)
        s->ended = true;
    return got < 0 ? -1 : (int)got;
}

/* --- Writing --- */

size_t
tls_out_room(struct tls_session *s)
{
    if (s->out == NULL) {
        must(!s->detached);
        s->out = buffer_take(BUFFER_SIZE);
        s->out_at = s->out_n = 0;
    }
    return s->out->cap - s->out_n;
}

/* Whoever seals has made room before. Of what OpenSSL says by itself only a handshake may be more
 * than there is room for. */
static int
write_bio(BIO *b, const char *p, int n)
{
    struct tls_session *s = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    size_t room = tls_out_room(s);
    if (n <= 0 || room == 0) {
        BIO_set_retry_write(b);
        return -1;
    }
    size_t some = (size_t)n < room ? (size_t)n : room;
    memcpy(s->out->data + s->out_n, p, some);
    s->out_n += some;
    return (int)some;
}

/* A peer that is slow to take the last of it must not hold a large buffer. */
static void
shrink(struct tls_session *s)
{
    size_t left = s->out_n - s->out_at;
    if (left > SMALL_REST || s->out->cap < BUFFER_SIZE)
        return;
    struct buffer *small = buffer_take_exact(2 * SMALL_REST);
    memcpy(small->data, s->out->data + s->out_at, left);
    buffer_put(s->out);
    s->out = small;
    s->out_at = 0;
    s->out_n = left;
}

int
tls_flush(struct tls_session *s)
{
    while (s->out && s->out_at < s->out_n) {
        struct iovec iov = { s->out->data + s->out_at, s->out_n - s->out_at };
        ssize_t sent = conn_send(s->conn, &iov, 1);
        if (sent == -EAGAIN)
            shrink(s);
        if (sent < 0)
            return (int)sent;
        s->out_at += (size_t)sent;
    }
    buffer_put(s->out);
    s->out = NULL;
    return 0;
}

/* --- The method --- */

static long
control_bio(BIO *b, int command, long number, void *p)
{
    const struct tls_session *s = BIO_get_data(b);
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && s->ended);
}

static BIO_METHOD *method;

static void
make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
    must(method != NULL);
    BIO_meth_set_read(method, read_bio);
    BIO_meth_set_write(method, write_bio);
    BIO_meth_set_ctrl(method, control_bio);
}

BIO *
tls_bio_open(struct tls_session *s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_method);
    BIO *b = BIO_new(method);
    if (b == NULL)
        return NULL;
    BIO_set_data(b, s);
    BIO_set_init(b, 1);
    return b;
}
