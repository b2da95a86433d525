/* Asking an OCSP responder over HTTP (RFC 6960 appendix A). */
#pragma once

#include "net/resolve.h"
#include "tls/problem.h"

struct ocsp_url {
    struct str host, path; /* views; the path begins with a slash */
    struct str authority;  /* as written, for Host */
    unsigned port;
};

/* "http://host[:port][/path]"; false for anything else. */
bool ocsp_url_parse(struct str url, struct ocsp_url *out);
/* Sends the question (DER) and waits for the response, whose bytes are then in a, not looked at.
 * 0, or -errno: p says why; -ECANCELED. */
int ocsp_fetch(struct str url, const struct resolver_settings *resolver, struct str question,
               struct arena *a, struct str *response, uint64_t deadline, struct tls_problem *p)
    __attribute__((warn_unused_result));
