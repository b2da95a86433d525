/* Whose request it is behind proxies that are trusted: X-Forwarded-For, Forwarded (RFC 7239) and
 * their like, where each proxy adds at the end whom it got the request from. */
#pragma once

#include "http/field.h"
#include "net/address.h"

struct trust {
    bool (*is_trusted)(const struct address *a, const void *arg);
    const void *arg;
    bool recursive; /* whom a trusted one names may be trusted in turn */
};

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711". */
bool forwarded_parse(struct str text, struct address *out);
/* *who, the connection's peer, becomes whom the lists (in the order they came) name: the last one
 * that is not trusted, or at the end of trust the first. False when *who stays: it is not trusted,
 * or nobody is named. */
bool forwarded_list(const struct str *lists, unsigned n, const struct trust *t,
                    struct address *who);
/* The same of all fields of that name. */
bool forwarded_fields(const struct fields *f, struct str name, const struct trust *t,
                      struct address *who);
/* The same of the Forwarded fields. */
bool forwarded_rfc7239(const struct fields *f, const struct trust *t, struct address *who);
