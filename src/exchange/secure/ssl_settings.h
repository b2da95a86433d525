/* What the ssl_* directives of a server say, before anything is made of it. */
#pragma once

#include "config/compile.h"
#include "exchange/values/template.h"
#include "tls/context.h"

/* A file that a directive names. Read when a server needs it. */
struct ssl_file {
    struct ssl_file *next;
    struct str text;             /* as written */
    struct str path;             /* absolute, against the configuration's directory */
    const struct template *name; /* has variables: known at each handshake; else NULL */
    bool data;                   /* "data:": the text itself, not a path */
    struct span span;
};

struct ssl_files {
    struct ssl_file *first, **end;
};

struct ssl_cache_settings { /* ssl_certificate_cache */
    unsigned max;           /* 0: off */
    uint64_t inactive_ms, valid_ms;
};

struct ssl_settings {
    struct ssl_files certificates, keys, ticket_keys;
    const struct ssl_file *passwords, *client_certificate, *trusted_certificate, *crl, *dhparam;
    struct ssl_cache_settings certificate_cache;
    unsigned protocols; /* enum tls_protocol bits */
    struct str ciphers, curves;
    bool prefer_server_ciphers, early_data, session_tickets, reject_handshake;
    bool certificate_compression, object_cache_inheritable;
    struct bytes buffer_size;
    unsigned verify; /* enum tls_verify */
    unsigned verify_depth;
    struct ssl_session_cache {
        bool off;          /* sessions may not be resumed by ID */
        struct str name;   /* STR_NONE: nothing is stored */
        struct bytes size; /* of what it may store */
    } session_cache;
    struct msec session_timeout;
    const struct tls_command *commands, **commands_end; /* ssl_conf_command */
    struct log_file *key_log;
};

extern const struct directive_set ssl_directives;

/* The setters of ssl_directives that take more than a word for a field: ssl_values.c. */
bool ssl_set_file(struct setting *s);
bool ssl_set_ticket_key(struct setting *s);
bool ssl_set_certificate(struct setting *s);
bool ssl_set_certificate_cache(struct setting *s);
bool ssl_set_session_cache(struct setting *s);
bool ssl_set_command(struct setting *s);
bool ssl_set_key_log(struct setting *s);
