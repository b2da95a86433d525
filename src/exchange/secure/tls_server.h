/* What a virtual server presents to a TLS client: made of its ssl_* settings when the configuration
 * is compiled, for servers that have an address with TLS. */
#pragma once

#include "exchange/secure/ssl_settings.h"

struct named_certificates;
struct ocsp_peer_settings;
struct ocsp_staple;
struct virtual_server;

struct tls_server {
    struct tls_server *next; /* of the snapshot; private */
    struct tls_context *context;
    struct certificate **certificates; /* held; those known from the start */
    unsigned n_certificates;
    struct named_certificates *named; /* those whose names have variables; NULL: none */
    struct ocsp_staple **staples;     /* one a certificate, each may be NULL; NULL: none */
    struct ocsp_peer_settings *ocsp; /* clients' certificates are asked about; NULL: they are not */
    const struct virtual_server *server;
    enum tls_verify verify;
    uint64_t verification; /* the same for all servers that ask the same of a client's certificate;
                              0: nothing is asked */
    bool reject;           /* ssl_reject_handshake */
    bool broken;           /* a certificate of its own could not be loaded */
    size_t buffer_size;
};

struct server_build;
struct snapshot;

/* Deferred until the whole text is read, for each server (arg: struct server_build): gives it its
 * struct tls_server when one of its addresses has TLS. */
void tls_server_build(struct compile *c, void *arg);

/* A line of the error log for each server that lacks a certificate; and how many there are. */
void tls_servers_tell_broken(const struct snapshot *s);
unsigned tls_servers_broken(const struct snapshot *s);

/* Has it something to present, or had it? Else its address's default server presents its own in its
 * place. */
static inline bool
tls_server_is_whole(const struct tls_server *t)
{
    return t->n_certificates > 0 || t->named || t->reject || t->broken;
}
