/* Where a directive like proxy_pass leads: a group of servers, one server that is a group of its
 * own, or what variables say for each request. */
#pragma once

#include "gateway/gateway.h"

/* One location's own; in the snapshot. */
struct target {
    struct scope *scope;
    struct span span;          /* of the directive's word, for what is found at the end */
    struct upstream *upstream; /* known at the compile's end; NULL: the text has variables */
    struct str host_port;      /* as written: host[:port], unix:/path, or a group's name */
    unsigned default_port;     /* 0: a server must be written with its port */
    const struct resolver_settings *resolver;
};

/* At compile time. host_port is a part of word 1; `quoted` is what nginx's messages call the
 * upstream. False when it is malformed (reported). */
bool target_set(struct setting *s, struct target *t, struct str host_port, unsigned default_port,
                struct str quoted);
/* The same for a text with variables: host_port is told to target_find. */
void target_set_dynamic(struct setting *s, struct target *t);
/* For a text with variables: the declared group of that name, else one for this exchange, whose
 * name may have to be looked up first. PASS, or FAILED. */
enum verdict target_find(struct exchange *x, const struct target *t, struct str host_port,
                         unsigned default_port, const struct gateway_settings *my,
                         struct upstream **out);
/* The port as written, the default when there is none, "" for unix: $proxy_port. */
struct str target_port(struct str host_port, struct str default_port);
