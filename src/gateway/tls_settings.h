/* What *_ssl_* directives say of TLS towards backends (proxy_ssl_verify, grpc_ssl_name …), and what
 * is made of it.
 *
 * GATEWAY_TLS_ROWS("proxy_", struct settings, tls) expands to rows for the struct
 * gateway_tls_settings member named last. */
#pragma once

#include "exchange/secure/ssl_settings.h"
#include "gateway/rows.h"

struct gateway_tls; /* a context, its certificate; gateway/tls.c */

struct gateway_tls_settings {
    struct ssl_settings ssl; /* what of it applies to a client */
    bool verify, server_name, session_reuse;
    const struct template *name; /* NULL: $proxy_host */
    struct gateway_tls *made;    /* for all locations with these settings; empty until one needs it
                                  */
};

extern const struct choice gateway_tls_protocol_choices[];
bool gateway_tls_set_certificate(struct setting *s);

/* For the `complete` hook. */
bool gateway_tls_complete(struct scope *scope, struct gateway_tls_settings *my);
/* Once the compile is nearly over (compile_defer), where TLS may be spoken: reads the files, makes
 * the context. What is wrong is told at `at`, in the words of directives that begin with prefix. */
void gateway_tls_prepare(struct compile *c, struct span at, const char *prefix,
                         const struct gateway_tls_settings *my);
/* For g's exchange: g->tls. */
void gateway_tls_aim(struct gateway *g);
/* For a try: its certificate, and g->identity. False: *p says why it cannot be had. */
bool gateway_tls_begin(struct gateway *g, struct tls_problem *p);
void gateway_tls_end(struct gateway *g);

#define GATEWAY_TLS_FIELD(prefix, name, S, member, default_, help_)                   \
    {                                                                                 \
        prefix name, FIELD(S, member), GATEWAY_IN, .initial = default_, .help = help_ \
    }

#define GATEWAY_TLS_SET(prefix, name, S, member, set_, syntax_, example_, help_)                   \
    {                                                                                              \
        prefix name, PLACE(S, member), GATEWAY_IN,                                                 \
            .set = set_, .syntax = syntax_, .example = prefix name " " example_ ";", .help = help_ \
    }

#define GATEWAY_TLS_ROWS(prefix, S, m)                                                             \
    GATEWAY_TLS_SET(prefix, "ssl_certificate", S, m.ssl.certificates, gateway_tls_set_certificate, \
                    "file | data:text", "client.pem",                                              \
                    "The certificate, in PEM, by which servers are to know usher. May have "       \
                    "variables; empty: none."),                                                    \
        GATEWAY_TLS_SET(prefix, "ssl_certificate_key", S, m.ssl.keys, gateway_tls_set_certificate, \
                        "file | data:text", "client.key", "Its private key, in PEM."),             \
        { prefix "ssl_certificate_cache",                                                          \
          PLACE(S, m.ssl.certificate_cache),                                                       \
          GATEWAY_IN,                                                                              \
          .initial = "off",                                                                        \
          .set = ssl_set_certificate_cache,                                                        \
          .args_min = 1,                                                                           \
          .args_max = 3,                                                                           \
          .syntax = "off | max=number [inactive=time] [valid=time]",                               \
          .example = prefix "ssl_certificate_cache max=100 inactive=20s valid=1m;",                \
          .help = "Keeps certificates whose names have variables: as many, as long as they are "   \
                  "used, and looked at anew when that old." },                                     \
        GATEWAY_TLS_FIELD(prefix, "ssl_ciphers", S, m.ssl.ciphers, "DEFAULT",                      \
                          "Ciphers of TLSv1.2 and older, as OpenSSL writes them."),                \
        { prefix "ssl_conf_command",                                                               \
          PLACE(S, m.ssl.commands),                                                                \
          GATEWAY_IN,                                                                              \
          .flags = MANY,                                                                           \
          .set = ssl_set_command,                                                                  \
          .args_min = 2,                                                                           \
          .args_max = 2,                                                                           \
          .syntax = "name value",                                                                  \
          .example = prefix "ssl_conf_command Groups X25519;",                                     \
          .help = "A setting of OpenSSL's own (SSL_CONF_cmd)." },                                  \
        GATEWAY_TLS_SET(prefix, "ssl_crl", S, m.ssl.crl, ssl_set_file, "file", "revoked.pem",      \
                        "Revoked certificates, in PEM: they are refused."),                        \
        GATEWAY_TLS_SET(prefix, "ssl_key_log", S, m.ssl.key_log, ssl_set_key_log, "path",          \
                        "/tmp/keys.log",                                                           \
                        "Writes the secrets of connections there, for debuggers; who reads it "    \
                        "reads all."),                                                             \
        { prefix "ssl_name",                                                                       \
          FIELD(S, m.name),                                                                        \
          GATEWAY_IN,                                                                              \
          .syntax = "name",                                                                        \
          .unset = "$proxy_host",                                                                  \
          .example = prefix "ssl_name backend.example.com;",                                       \
          .help = "The name that a server's certificate must have, and that is sent when "         \
                  "ssl_server_name is on. May have variables." },                                  \
        GATEWAY_TLS_SET(prefix, "ssl_password_file", S, m.ssl.passwords, ssl_set_file, "file",     \
                        "keys.pass", "Passphrases of private keys, one a line; all are tried."),   \
        { prefix "ssl_protocols",                                                                  \
          FIELD(S, m.ssl.protocols),                                                               \
          GATEWAY_IN,                                                                              \
          .initial = "TLSv1.2 TLSv1.3",                                                            \
          .choices = gateway_tls_protocol_choices,                                                 \
          .flags = CHOICES_ADD,                                                                    \
          .help = "The protocols that are spoken. SSLv2 and SSLv3 are accepted here and never "    \
                  "spoken." },                                                                     \
        GATEWAY_TLS_FIELD(prefix, "ssl_server_name", S, m.server_name, "off",                      \
                          "Tells servers which name is meant (SNI)."),                             \
        GATEWAY_TLS_FIELD(prefix, "ssl_session_reuse", S, m.session_reuse, "on",                   \
                          "Resumes TLS sessions with servers."),                                   \
        GATEWAY_TLS_SET(prefix, "ssl_trusted_certificate", S, m.ssl.trusted_certificate,           \
                        ssl_set_file, "file", "/etc/ssl/certs/ca-certificates.crt",                \
                        "Who may have signed the certificates of servers, in PEM."),               \
        GATEWAY_TLS_FIELD(prefix, "ssl_verify", S, m.verify, "off",                                \
                          "Talks only to servers whose certificates are good, signed by a "        \
                          "trusted one, and of the right name."),                                  \
        GATEWAY_TLS_FIELD(prefix, "ssl_verify_depth", S, m.ssl.verify_depth, "1",                  \
                          "How many certificates may stand between a server's and a trusted one.")
