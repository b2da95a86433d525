/* One c-ares channel in the thread's loop: questions out, answers by callback.
 *
 * resolve.c puts a cache and fibers on top; nobody else asks here. Identifiers and ports are
 * random: c-ares sees to that. */
#pragma once

#include "net/resolve.h"

struct dns;

struct dns_answer {
    int error;                       /* 0, -ENOENT, -ETIMEDOUT, -EAGAIN or -ECANCELED */
    const struct address *addresses; /* port 0; only during the call */
    unsigned n;
    uint64_t ttl_ms; /* the least of the records' */
};

/* In the loop's context, or within dns_ask itself when the answer is at hand (/etc/hosts). */
typedef void dns_fn(void *arg, const struct dns_answer *answer);

/* NULL when c-ares cannot start (no memory, no readable settings). */
struct dns *dns_open(const struct resolver_settings *settings);
/* Questions under way are answered -ECANCELED first. */
void dns_close(struct dns *d);
/* name ends with a NUL. */
void dns_ask(struct dns *d, const char *name, dns_fn *fn, void *arg);
