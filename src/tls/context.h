/* struct tls_context: what many connections' handshakes have in common, an SSL_CTX without
 * certificates of its own.
 *
 * Contexts are counted and found by what they are made of: ten thousand servers with the same
 * settings share one, and so does the next snapshot, whose sessions resume. Certificates are
 * chosen for each handshake (tls/session.h). */
#pragma once

#include "observe/log.h"
#include "tls/certificate.h"

struct tls_context;

enum tls_protocol {
    TLS_SSL2 = 1 << 0, /* accepted in ssl_protocols and never spoken */
    TLS_SSL3 = 1 << 1,
    TLS_1_0 = 1 << 2,
    TLS_1_1 = 1 << 3,
    TLS_1_2 = 1 << 4,
    TLS_1_3 = 1 << 5,
};

enum tls_verify {
    TLS_VERIFY_OFF,
    TLS_VERIFY_ON,
    TLS_VERIFY_OPTIONAL,       /* asked for, judged by whoever reads the result */
    TLS_VERIFY_OPTIONAL_NO_CA, /* the same, an unknown issuer is not a failure */
};

/* name and value of ssl_conf_command, proxy_ssl_conf_command */
struct tls_command {
    const struct tls_command *next;
    struct str name, value;
};

/* Texts are contents, not paths, and live as long as the call. STR_NONE: not configured. */
struct tls_profile {
    bool server;
    unsigned protocols; /* enum tls_protocol bits */
    struct str ciphers, curves;
    bool prefer_server_ciphers;
    struct str dhparam;                 /* PEM */
    const struct tls_command *commands; /* in order */
    /* Verification of the peer. */
    enum tls_verify verify;
    unsigned verify_depth;
    struct str trusted;   /* PEM: who may have signed the peer's certificate (ssl_client_certificate
                             and ssl_trusted_certificate) */
    struct str announced; /* PEM: whose names are sent to clients (ssl_client_certificate) */
    struct str crl;       /* PEM */
    /* Resumption. */
    bool tickets;
    const struct str *ticket_keys; /* contents of ssl_session_ticket_key files, 48 or 80 bytes each;
                                      n 0: the process's own, which change by themselves */
    unsigned n_ticket_keys;
    bool session_ids;            /* sessions may be resumed by ID: ssl_session_cache is not off */
    struct str session_cache;    /* name of a shared cache; STR_NONE: none, TLS 1.2 sessions resume
                                    by ticket only */
    uint64_t session_cache_size; /* bytes */
    uint64_t builtin_sessions;   /* OpenSSL's own cache of that many; 0: none */
    uint64_t session_timeout_ms;
    bool early_data;
    bool reuse_sessions;      /* client: proxy_ssl_session_reuse */
    struct log_file *key_log; /* who has it can read all; NULL: none */
};

/* Held once more for the caller. NULL: p says what OpenSSL does not like, beginning with the
 * function as nginx logs it: 'SSL_CTX_set_cipher_list("x") failed (SSL: …)'. */
struct tls_context *tls_context_get(const struct tls_profile *profile, struct tls_problem *p);
void tls_context_hold(struct tls_context *c);
void tls_context_drop(struct tls_context *c);
