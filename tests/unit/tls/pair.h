/* Two ends of a connection that speak TLS to each other, each from a fiber of one loop. */
#pragma once

#include "tls/session.h"

/* --- What they are made of --- */

/* A certificate for that name with a key of that kind (mint.h), signed by itself. */
struct certificate *pair_certificate(const char *kind, const char *name);
/* The PEM text of such a certificate alone, for those who trust it; free it. */
char *pair_pem(struct certificate *c);
/* A server's or client's context of usual settings, changed by whoever asks. */
struct tls_profile pair_profile(bool server);
struct tls_context *pair_context(const struct tls_profile *p);

/* --- The two ends --- */

struct pair {
    /* To be filled in. */
    struct tls_choice choice;  /* what the server's hook answers */
    struct tls_context *first; /* NULL: the choice's */
    struct tls_target target;
    struct str ahead;
    /* Learned. */
    struct conn server, client;
    struct tls_problem server_problem, client_problem;
    int server_outcome, client_outcome;
    unsigned asked; /* how often the hook was called, with what: */
    char name[256];
    bool malformed;
};

/* Connects both and shakes hands, in a fiber of a running loop. */
void pair_shake(struct pair *p);
/* Only connects: both are plain. */
void pair_open(struct pair *p);
void pair_close(struct pair *p);
/* The server's hook, for tests that shake by themselves; arg: the pair. */
void pair_choose(void *arg, const struct tls_hello *hello, struct tls_choice *out);
