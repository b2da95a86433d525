/* TLS over a conn: the transport that seals and opens its bytes (RFC 8446, RFC 5246).
 *
 * tls_accept and tls_connect put a session on a plain conn and shake hands, parking as needed; from
 * then on conn_read, conn_writev and their kin go through it. The conn owns the session: conn_close
 * frees it. Private-key operations of RSA may run in an off-load thread meanwhile.
 *
 * Small writes of one conn_writev leave in one record; records grow with the run of a transfer
 * (ssl_buffer_size is the most), and many records leave in one system call. A session at rest holds
 * no buffer. */
#pragma once

#include "net/conn.h"
#include "tls/context.h"
#include "tls/ocsp_staple.h"

/* What a client asks for before anything is chosen. */
struct tls_hello {
    struct str server_name; /* lower case, no trailing dot; STR_NONE: none was sent */
    bool malformed_name;    /* it sent one that is no host name */
};

/* Whom it gets. */
struct tls_choice {
    struct tls_context *context; /* as for tls_accept; its verify mode and protocols hold */
    struct certificate *const *certificates; /* one a key type; n 0: no shared cipher */
    unsigned n_certificates;
    struct ocsp_staple *const *staples; /* one a certificate, or NULL in its place; NULL: none */
    bool reject;                        /* ssl_reject_handshake: alert unrecognized_name */
    bool http2;                         /* offer "h2" beside "http/1.1" (RFC 7301) */
    size_t buffer_size;                 /* ssl_buffer_size; 0: records grow by themselves */
};

/* Asked once a handshake, on the connection's fiber, while `hello` is read and nothing is answered
 * yet. What it points to lives until the handshake ends. */
typedef void tls_choose_fn(void *arg, const struct tls_hello *hello, struct tls_choice *out);

/* Shakes hands as the server. `ahead` was read from c already. 0; -ETIMEDOUT, -ECANCELED,
 * -ECONNRESET; -EPROTO: p says what was wrong, and the alert was sent. On failure c is still open,
 * plain and good for nothing but closing. */
int tls_accept(struct conn *c, struct tls_context *first, tls_choose_fn *choose, void *arg,
               struct str ahead, uint64_t deadline, struct tls_problem *p)
    __attribute__((warn_unused_result));

/* How a backend is to be reached. */
struct tls_target {
    struct tls_context *context;
    struct certificate *certificate; /* our own for it, or NULL */
    struct str server_name;          /* SNI; STR_NONE: none is sent */
    struct str verify_name; /* must be covered by its certificate, when the context verifies */
    struct str alpn;        /* "h2" or "http/1.1"; STR_NONE: not said */
    uint64_t session_key;   /* sessions are resumed with peers of the same key; 0: never */
};
/* Shakes hands as the client; as tls_accept. -EKEYREJECTED: the peer's certificate was refused,
 * p has the reason ("upstream SSL certificate verify error: (10:certificate has expired)"). */
int tls_connect(struct conn *c, const struct tls_target *target, uint64_t deadline,
                struct tls_problem *p) __attribute__((warn_unused_result));

/* --- What an established session knows; c has one (tls_is_on). Texts are copied to the arena. ---
 */

static inline bool
tls_is_on(const struct conn *c)
{
    return c->transport != NULL;
}
SSL *tls_ssl(const struct conn *c);                 /* for what has no call here */
struct str tls_alpn(const struct conn *c);          /* negotiated; STR_NONE */
struct str tls_server_name(const struct conn *c);   /* SNI as sent, lower case; STR_NONE */
struct str tls_protocol_name(const struct conn *c); /* "TLSv1.3" */
struct str tls_cipher_name(const struct conn *c);
bool tls_is_resumed(const struct conn *c);
/* Early data that was not confirmed by the handshake's end yet ($ssl_early_data). */
bool tls_is_early(const struct conn *c);
/* The peer's certificate: 0 when it sent none or it is good (X509_V_OK), else X509_V_ERR_*. */
long tls_verify_result(const struct conn *c);
bool tls_has_peer_certificate(const struct conn *c);
