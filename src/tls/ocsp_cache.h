/* What OCSP responders said of clients' certificates, while it holds (ssl_ocsp_cache).
 *
 * Named, process-wide, kept over reloads; of a fixed size. Counted, any thread. */
#pragma once

#include "tls/ocsp_response.h"

enum { OCSP_KEY = 32 };

struct ocsp_cache;

/* Held once more for the caller; the one of that name and size, or a new one. */
struct ocsp_cache *ocsp_cache_get(struct str name, uint64_t bytes);
void ocsp_cache_drop(struct ocsp_cache *c);
/* The key is a digest of who is asked about. */
bool ocsp_cache_find(struct ocsp_cache *c, const unsigned char key[OCSP_KEY], time_t now,
                     enum ocsp_verdict *out);
void ocsp_cache_put(struct ocsp_cache *c, const unsigned char key[OCSP_KEY],
                    const struct ocsp_answer *answer);
