/* Inside the room: what contexts, sessions and handshakes are made of. Other rooms see context.h
 * and session.h only. */
#pragma once

#include "net/buffer.h"
#include "tls/resume.h"
#include "tls/session.h"

enum { TLS_DIGEST = 32 };

/* Lives as long as its SSL_CTX, whose sessions count it; `ctx` owns the struct. */
struct tls_context {
    SSL_CTX *ctx;
    bool server;
    enum tls_verify verify;
    bool early_data;
    unsigned char digest[TLS_DIGEST];       /* of the profile */
    unsigned char verification[TLS_DIGEST]; /* of the part of it that judges the peer */
    struct tls_resumption resumption;       /* a server's */
    struct client_sessions sessions;
    struct log_file *key_log; /* or NULL */
    struct tls_context *next; /* in the table of all */
    unsigned holds;           /* under the table's lock; 0: no longer in the table */
};

/* Bytes that came before they are wanted, or that must be read twice: what was read ahead of the
 * handshake, and the ClientHello until the context is chosen. */
struct tls_kept {
    char *p;
    size_t at, n, cap;
};

struct tls_session {
    SSL *ssl;
    struct conn *conn;
    struct tls_handshake *handshake; /* while it is under way */
    struct buffer *out;              /* sealed, to be sent; NULL when there is none */
    size_t out_at, out_n;
    size_t sealed;     /* plaintext in `out` that writev has not owned up to */
    size_t fruitless;  /* bytes read since the last that meant anything to our user */
    size_t record_max; /* 0: records grow with the run */
    size_t run;        /* plaintext written without a rest */
    uint64_t last_ms;  /* of the last write */
    struct tls_kept kept;
    struct buffer *plain; /* early data that came with the hello; NULL: none */
    size_t plain_at, plain_n;
    char *server_name;    /* SNI, or NULL */
    uint64_t session_key; /* of the target; 0: its sessions are not kept */
    int error;            /* of the socket: -errno */
    bool detached;        /* in an off-load thread: memory only */
    bool record_hello;    /* reads are kept as well */
    bool dry;             /* what lies inside OpenSSL is less than a record */
    bool ended;           /* the socket has no more */
    bool early;           /* early data may still come */
    bool kernel_seals;    /* what the socket gets is plaintext */
    bool broken;          /* nothing can be sealed or opened any more */
};

static inline struct tls_session *
tls_session_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* The step that OpenSSL takes between two waits, in the connection's thread or another. */
typedef int tls_step_fn(struct tls_session *s);

struct tls_handshake {
    tls_step_fn *step;
    int error; /* of SSL_get_error */
    struct tls_problem *problem;
    /* Server only. */
    struct tls_choice choice;
    struct tls_hello hello;
    char name[256];
    bool seen;       /* hello is filled */
    bool chosen;     /* choice is filled */
    bool elliptic;   /* the client can verify ECDSA */
    bool may_resume; /* it offers a session */
    bool away;       /* the next step needs a costly private key */
};

/* session.c: a session with its SSL, put on c; NULL: out of memory. */
struct tls_session *tls_session_open(struct conn *c, struct tls_context *context);
/* Another SSL for the same bytes. */
bool tls_session_renew(struct tls_session *s, struct tls_context *context);
/* Off the conn, which is plain again. */
void tls_session_close(struct tls_session *s);
/* Has it presented in the handshake. */
bool tls_present(SSL *ssl, struct certificate *c);

/* bio.c */
BIO *tls_bio_open(struct tls_session *s);
/* Sends what is sealed. 0: all of it, -EAGAIN or -errno. */
int tls_flush(struct tls_session *s);
/* Room in `out` for what OpenSSL writes, which is taken when there is none. */
size_t tls_out_room(struct tls_session *s);
bool tls_keep(struct tls_kept *k, const void *p, size_t n);
void tls_kept_fini(struct tls_kept *k);

/* kernel.c: kTLS. Offered before the handshake, settled after it. */
void tls_kernel_offer(const struct tls_session *s, SSL *ssl);
bool tls_kernel_is_offered(const SSL *ssl);
void tls_kernel_settle(struct tls_session *s);

/* transport.c */
extern const struct transport tls_transport;

/* record.c: seals as much of iov as `out` has room for; how much, or -errno. */
ssize_t tls_seal(struct tls_session *s, const struct iovec *iov, int n);

/* handshake.c: until it is done. As tls_accept. */
int tls_shake(struct tls_session *s, struct tls_handshake *h, uint64_t deadline);

/* hello.c: what a server's contexts call back. */
int tls_on_hello(SSL *ssl, int *alert, void *arg);
int tls_on_certificate(SSL *ssl, void *arg);
int tls_on_status(SSL *ssl, void *arg);
int tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                unsigned in_n, void *arg);
int tls_on_server_name(SSL *ssl, int *alert, void *arg);

/* context_build.c: an SSL_CTX as the profile says, or NULL. */
SSL_CTX *tls_build(const struct tls_profile *profile, struct tls_problem *p);
struct tls_context *tls_context_of(const SSL_CTX *ctx);
