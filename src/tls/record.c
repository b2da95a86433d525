/* How plaintext becomes records.
 *
 * The first records after a rest fit into a TCP segment each, so that a client can use the first
 * bytes before the congestion window lets the others come; then they grow to 16 KiB, which cost
 * least. What lies scattered in small pieces is joined, what is large is sealed where it lies. */
#include "base/clock.h"
#include "tls/state.h"

#include <errno.h>

enum {
    RECORD_MAX = SSL3_RT_MAX_PLAIN_LENGTH,
    OVERHEAD = 256,     /* of a record, at most */
    RESERVE = 2 * 1024, /* of `out`, for what OpenSSL says by itself */
    SMALL = 1369,       /* with header and tag, in a segment of 1500 with IPv6 and options */
    MIDDLE = 4 * SMALL,
    SMALL_RUN = 10 * SMALL, /* the initial congestion window (RFC 6928) */
    MIDDLE_RUN = 64 * 1024,
    REST_MS = 1000,
};

static size_t
record_size(const struct tls_session *s)
{
    if (s->record_max)
        return s->record_max < RECORD_MAX ? s->record_max : RECORD_MAX;
    return s->run < SMALL_RUN ? SMALL : s->run < MIDDLE_RUN ? MIDDLE : RECORD_MAX;
}

struct cursor {
    const struct iovec *iov;
    int n;
    size_t at; /* in the first */
};

static struct str
present(struct cursor *c)
{
    while (c->n > 0 && c->at == c->iov->iov_len) {
        c->iov++;
        c->n--;
        c->at = 0;
    }
    if (c->n == 0)
        return STR_NONE;
    return (struct str){ (char *)c->iov->iov_base + c->at, c->iov->iov_len - c->at };
}

/* The next record's plaintext; `scratch` is used when it lies in several pieces. */
static struct str
gather(struct cursor *c, size_t size, char *scratch)
{
    struct str piece = present(c);
    if (piece.n >= size || c->n <= 1) {
        piece = str_head(piece, size);
        c->at += piece.n;
        return piece;
    }
    size_t n = 0;
    for (; n < size && (piece = present(c)).n > 0; n += piece.n) {
        piece = str_head(piece, size - n);
        memcpy(scratch + n, piece.p, piece.n);
        c->at += piece.n;
    }
    return (struct str){ scratch, n };
}

/* As a server, before the client has finished its handshake: it may be anybody, and what it is told
 * is the answer to early data. */
static int
write_ssl(struct tls_session *s, struct str plain, size_t *written)
{
    if (!SSL_is_init_finished(s->ssl))
        return SSL_write_early_data(s->ssl, plain.p, plain.n, written);
    return SSL_write_ex(s->ssl, plain.p, plain.n, written);
}

ssize_t
tls_seal(struct tls_session *s, const struct iovec *iov, int n)
{
    static __thread char scratch[RECORD_MAX];
    struct cursor c = { iov, n, 0 };
    size_t sum = 0, size, written;
    if (clock_ms() - s->last_ms > REST_MS)
        s->run = 0;
    s->last_ms = clock_ms();
    while ((size = record_size(s)) + OVERHEAD + RESERVE <= tls_out_room(s)) {
        struct str plain = gather(&c, size, scratch);
        if (plain.n == 0)
            break;
        tls_problem_clear();
        if (write_ssl(s, plain, &written) != 1 || written != plain.n)
            return -EPROTO;
        sum += plain.n;
        s->run += plain.n;
    }
    return (ssize_t)sum;
}
