/* A handshake that is under way: which server a client's hello names, and what that server
 * presents.
 *
 * It keeps its snapshot for as long as it lasts. */
#pragma once

#include "exchange/hosts/location.h"
#include "exchange/secure/named_certificates.h"
#include "tls/session.h"

struct tls_greeting {
    struct snapshot *snapshot;
    const struct listen_address *listen;
    struct client *client;
    const struct virtual_server *server; /* the one that the name means */
    const struct tls_server *tls;        /* its settings */
    struct exchange *x;                  /* for certificates named by variables; NULL: none */
    struct certificate *loaded[CERTIFICATES_MAX];
    unsigned n_loaded;
};

/* l is of the thread's current snapshot. */
void tls_greeting_init(struct tls_greeting *g, const struct listen_address *l, struct client *c);
void tls_greeting_fini(struct tls_greeting *g);
/* For tls_accept: where to begin, and tls_choose_fn with the greeting as its argument. */
struct tls_context *tls_greeting_context(const struct tls_greeting *g);
void tls_greeting_choose(void *greeting, const struct tls_hello *hello, struct tls_choice *out);
/* After a handshake on conn: asks whether the client's certificates are revoked, where ssl_ocsp
 * wants that; their verification fails when they are. 0 or -ECANCELED. */
int tls_greeting_check_peer(const struct tls_greeting *g, struct conn *conn, uint64_t deadline);
/* A line about it: "… while SSL handshaking, client: …, server: 0.0.0.0:443". error 0: none. */
void tls_greeting_log(const struct tls_greeting *g, enum log_level level, int error,
                      const char *words);
