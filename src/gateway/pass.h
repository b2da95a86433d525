/* What proxy_pass, grpc_pass, fastcgi_pass, uwsgi_pass, scgi_pass and memcached_pass have in
 * common: the address that a location's requests go to, and the family's settings that hold there.
 */
#pragma once

#include <stddef.h>

#include "exchange/feature.h"
#include "gateway/url.h"

struct pass_family {
    const struct feature *feature;
    struct url_rules rules;
    /* Where struct gateway_tls_settings lies in the feature's settings, and how its directives
     * begin ("grpc_"); NULL: TLS is never spoken. */
    const char *tls_prefix;
    size_t tls_offset;
};

/* One location's own; in the snapshot. */
struct pass {
    struct url url; /* first */
    const struct pass_family *family;
    const void *settings; /* the feature's, of the block; known when the compile is over */
};

/* The .set of the directive: word 1 is the address, and p becomes the location's content. Reports
 * its own problem, false then. */
bool pass_set(struct setting *s, const struct pass_family *family, struct pass *p);
/* For a family that needs nothing but the address: finds the backend and asks it. */
enum verdict pass_run(struct exchange *x, const struct pass *p, const struct gateway_settings *my,
                      const struct client_codec *codec);
