/* Certificates whose names have variables (ssl_certificate $ssl_server_name.pem): known at the
 * handshake, read then, and kept as ssl_certificate_cache says. */
#pragma once

#include "exchange/secure/ssl_settings.h"

enum { CERTIFICATES_MAX = 8 }; /* of one server: one a key type is used */

struct named_certificates;

/* The pairs of settings, and how to read them. Lives in the compile's arena; what it caches is
 * shared by all threads and dropped with the snapshot. */
struct named_certificates *named_certificates_open(struct compile *c, const struct ssl_settings *s,
                                                   const struct str *passwords,
                                                   unsigned n_passwords);
/* Loads those that x (a handshake's) asks for; they are held for the caller. Returns how many, or
 * -1 with *p saying which one cannot be had. Blocks for the reading of a file. */
int named_certificates_get(struct named_certificates *n, struct exchange *x,
                           struct certificate *out[CERTIFICATES_MAX], struct tls_problem *p);
