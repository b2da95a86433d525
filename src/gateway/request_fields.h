/* Which fields a request to an HTTP backend has, whatever its version: the client's but for those
 * of its hop and those that directives replace, and what proxy_set_header adds. */
#pragma once

#include "gateway/gateway.h"

/* The client's field goes along. names: what its Connection nominates. */
struct hop_names;
bool request_passes(const struct gateway *g, const struct hop_names *names, const struct field *f);
/* A directive sets that field, maybe to nothing. */
bool request_sets(const struct gateway *g, enum header id);
/* What a directive's field says; empty when it may not go out: framing is what the body is. */
struct str request_value(const struct gateway *g, const struct set_header *h);
/* Is the body's length to be said? */
bool request_has_length(const struct gateway *g);
struct str request_method(struct gateway *g);
/* Method and URI as a backend must not misread them. PASS, or FAILED. */
enum verdict request_check_line(struct gateway *g, struct str method, struct str uri);
