/* What OpenSSL has to say, in one line. Its error queue belongs to the thread, so whoever calls
 * OpenSSL clears the queue before and takes the problem at once after a failure: nothing of one
 * connection is ever told of another. */
#pragma once

#include "base/str.h"

struct tls_problem {
    char text[512]; /* "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version
                       number)" */
    const struct str *about; /* the text of a profile that is at fault; NULL: none of them */
};

/* Fills p from `what` and the queue's errors, in nginx's words, and empties the queue. */
void tls_problem_take(struct tls_problem *p, const char *what);
/* Empties the queue; costs little when it is empty, unlike ERR_clear_error. */
void tls_problem_clear(void);
/* The same as tls_problem_take for what is our own finding. */
void tls_problem_say(struct tls_problem *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
