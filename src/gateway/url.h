/* The URL of a directive like proxy_pass: scheme, host and URI, with or without variables. */
#pragma once

#include "gateway/target.h"

struct url_scheme {
    const char *name; /* "https" */
    unsigned port;    /* when none is written */
    const char *port_text;
    bool tls;
};

struct url_rules {
    const struct url_scheme *schemes; /* ends with a NULL name */
    bool bare;                        /* may stand without a scheme: the first is meant */
    bool schemeless;                  /* may stand only so */
    bool has_uri;                     /* may go on after the host */
};

/* One location's own; in the snapshot. */
struct url {
    struct target target; /* first */
    const struct url_rules *rules;
    const struct template *text;            /* with variables, else NULL */
    const struct url_scheme *scheme;        /* NULL: variables tell */
    const struct gateway_tls_settings *tls; /* what TLS is spoken with; set by the feature */
    struct str port;
    struct str uri; /* STR_NONE: it has no URI part */
};

/* Reads word 1 of the directive. Reports its own problem, false then. */
bool url_set(struct setting *s, const struct url_rules *rules, struct url *u);
/* May TLS be spoken there? True too when variables will tell. */
bool url_may_be_tls(const struct url *u);
/* For this exchange: out's upstream, host, port, scheme and tls, and the URL's own URI (STR_NONE:
 * it has none). A host that only the request knows may have to be looked up first. PASS, or FAILED.
 */
enum verdict url_find(struct exchange *x, const struct url *u, const struct gateway_settings *my,
                      struct gateway_target *out, struct str *uri);
/* The request's own URI: untouched as it came, or what internal redirects made of it. */
struct str url_own_uri(struct exchange *x);
/* The path with the request's arguments. */
struct str url_with_args(struct exchange *x, struct str path);
