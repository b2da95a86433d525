/* A certificate with its chain and private key, as a server or client presents it.
 *
 * Immutable and counted, any thread. The same bytes give the same object as long as somebody holds
 * it, over reloads too: ten thousand sites that share a file cost one, and a reload parses only
 * what has changed. Reads no files: whoever configures it brings the bytes.
 *
 * Decoding a public key is most of the work of reading a certificate, so it waits for the first
 * handshake that presents it; that the key belongs to it is known from the start. */
#pragma once

#include "base/arena.h"
#include "tls/problem.h"

#include <openssl/ssl.h>
#include <time.h>

struct certificate {
    STACK_OF(X509) * chain; /* without the leaf; may be empty */
    EVP_PKEY *key;
    time_t not_before, not_after;
    struct str path, key_path; /* where it came from, for messages; owned, ended by a NUL */
    /* private */
    struct certificate *next; /* in the table of all */
    unsigned holds;           /* under the table's lock */
    unsigned char digest[32]; /* of pem, key and paths */
    X509 *facts;              /* the leaf but for its public key: names, dates, extensions */
    _Atomic(X509 *) decoded;  /* the leaf; NULL before its first use */
};

struct certificate_input {
    struct str path, key_path;   /* for messages; "data:…" is shortened */
    struct str pem, key_pem;     /* leaf first, then its chain; the key may be in the same text */
    const struct str *passwords; /* ssl_password_file's lines */
    unsigned n_passwords;
};

/* Held once more for the caller; NULL: p names the file and says what is wrong with it (no
 * certificate, bad key, key that does not match: both files). */
struct certificate *certificate_get(const struct certificate_input *in, struct tls_problem *p);
void certificate_hold(struct certificate *c);
void certificate_drop(struct certificate *c);
/* What is presented and who the client is told to be; the object's own, decoded at the first use.
 */
X509 *certificate_leaf(struct certificate *c);

/* What its operator should know before users do: expired or not yet valid, expiry within 21 days, a
 * chain that lacks an intermediate (the last one is not issued by itself and the leaf by nobody
 * present), weak key or signature. Each is told in a sentence that names the file. */
typedef void certificate_tell_fn(void *arg, struct str sentence);
void certificate_check(const struct certificate *c, time_t now, certificate_tell_fn *tell,
                       void *arg);
/* Its dates alone, which change with time. */
void certificate_check_dates(const struct certificate *c, time_t now, certificate_tell_fn *tell,
                             void *arg);
/* The same, when none of a server's names is covered; there may be wildcards and expressions. */
void certificate_check_names(const struct certificate *c, const struct str *names, unsigned n,
                             certificate_tell_fn *tell, void *arg);
/* Does the leaf name that host (RFC 6125: alternative names, one leading label may be a wildcard)?
 */
bool certificate_covers(const struct certificate *c, struct str host);
/* Days until it expires; negative: since it has. For metrics. */
int certificate_days_left(const struct certificate *c, time_t now);
/* Calls see for each certificate that somebody holds, under the table's lock. */
void certificate_each(void (*see)(void *arg, const struct certificate *c), void *arg);
