/* Sub-requests: requests that an exchange makes by itself, for what another location has to say.
 *
 * Each is an exchange of its own, with its arena, URI, location and response, and runs on a fiber
 * of its own for all its life: the phases and header filters first, then its body, piece by piece,
 * as the parent asks for it. It has the client, the request's fields and the values of variables in
 * common with its parent; what it gives to variables, the parent has once it has answered. Its
 * client codec leads nowhere. Nobody is asked again who may come in (PHASE_ACCESS, PHASE_AUTH), and
 * only the filters that say so see its response.
 *
 * A parent that is cancelled cancels its sub-requests where it waits for them. */
#pragma once

#include "exchange/exchange.h"

enum subrequest_flags {
    SUBREQUEST_METHOD = 1 << 0, /* the parent's method, not GET */
    SUBREQUEST_BODY = 1 << 1,   /* the parent's body, as far as it was read whole */
};

/* Not begun yet. NULL (and a line in the log) when there are too many within each other, or at all.
 */
struct exchange *subrequest_open(struct exchange *parent, struct str uri, struct str args,
                                 unsigned flags);
/* Lets it begin; it runs beside its parent. */
void subrequest_start(struct exchange *x);
/* Until it has its response's head: 0, or -ECANCELED: nobody is left to answer to. */
int subrequest_wait(struct exchange *x) __attribute__((warn_unused_result));
/* Both at once. */
int subrequest_run(struct exchange *x) __attribute__((warn_unused_result));
/* Its body, after subrequest_wait; NULL when it has none. Lives as long as x. */
struct body *subrequest_body(struct exchange *x);
/* At any time. Ends it, if need be, logs it (log_subrequest), and frees it. */
void subrequest_close(struct exchange *x);
/* How large an answer may be that is kept whole: subrequest_output_buffer_size. */
size_t subrequest_output_max(const struct exchange *x);
/* What a handler says when subrequest_wait was cancelled. */
enum verdict subrequest_cancelled(struct exchange *parent);

/* The request that the client made. */
static inline struct exchange *
exchange_root(struct exchange *x)
{
    while (x->parent)
        x = x->parent;
    return x;
}
