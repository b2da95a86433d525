/* A sub-request's life: opened, run on its fiber, asked for its body, closed. */
#include "exchange/subrequest/subrequest.h"

#include "exchange/hosts/location.h"
#include "exchange/run.h"
#include "exchange/snapshot.h"
#include "exchange/subrequest/make.h"

#include <errno.h>

enum { DEPTH_MAX = 51, IN_ALL_MAX = 64000 };

enum state {
    BUSY,  /* with its phases, or with a piece of its body */
    READY, /* waits to be asked for the next piece */
    OVER
};

struct subrequest {
    struct exchange *x;
    struct child fiber; /* its fiber is NULL before it begins */
    enum state state;
    bool asked, closing;
    struct fiber *waiter; /* the parent's, while it waits */
    struct chunk chunk;
    int result; /* of body_next */
    struct body body;
    struct str *before; /* the variables' values it began with */
};

/* The parent has what the sub-request has set or found out. */
static void
give_values(struct subrequest *s)
{
    struct exchange *x = s->x, *parent = x->parent;
    unsigned n = x->snapshot->variables.n_indexed;
    if (parent->values == NULL && n)
        parent->values = arena_array(&parent->arena, struct str, n);
    for (unsigned i = 0; i < n; i++) {
        struct str value = x->values[i];
        if (value.p == s->before[i].p && value.n == s->before[i].n)
            continue;
        s->before[i] = value;
        parent->values[i] = value.p ? arena_dup(&parent->arena, value) : value;
    }
}

/* --- its fiber --- */

static void
turn(struct subrequest *s, enum state state)
{
    s->state = state;
    if (s->waiter)
        fiber_wake(s->waiter);
}

static void
live(void *arg)
{
    struct subrequest *s = arg;
    struct exchange *x = s->x;
    (void)exchange_prepare(x);
    x->head_sent = true;
    give_values(s);
    turn(s, READY);
    while (!s->closing) {
        if (!s->asked && fiber_park(NEVER) < 0)
            break;
        if (!s->asked)
            continue;
        s->asked = false;
        s->result = body_next(x->response.body, &s->chunk);
        turn(s, READY);
    }
    subrequest_end(x);
    give_values(s);
    turn(s, OVER);
}

/* --- the parent's side --- */

struct exchange *
subrequest_open(struct exchange *parent, struct str uri, struct str args, unsigned flags)
{
    struct exchange *root = exchange_root(parent);
    bool many = root->subrequests >= IN_ALL_MAX;
    if (parent->depth >= DEPTH_MAX || many) {
        exchange_log(parent, LEVEL_ERROR, 0,
                     many ? "too many subrequests while processing \"" STR_FMT "\""
                          : "subrequests cycle while processing \"" STR_FMT "\"",
                     STR_ARG(uri));
        return NULL;
    }
    struct exchange *x = subrequest_make(parent, uri, args, flags);
    x->own = arena_new(&x->arena, struct subrequest);
    *x->own = (struct subrequest){ .x = x, .before = subrequest_copy_values(x) };
    root->subrequests++;
    root->alive++;
    return x;
}

void
subrequest_start(struct exchange *x)
{
    child_start(&x->own->fiber, live, x->own);
}

/* Until it is not busy. The client's going away is noticed where the outermost fiber waits. */
static int
wait_for(struct subrequest *s)
{
    struct exchange *parent = s->x->parent;
    struct fiber *before = parent->cancel_on_gone;
    int r = parent->client_gone ? -ECANCELED : 0;
    s->waiter = parent->cancel_on_gone = fiber_self();
    while (s->state == BUSY && r == 0)
        r = fiber_park(NEVER);
    if (r < 0)
        child_cancel(&s->fiber);
    while (s->state == BUSY)
        fiber_park_deaf(NEVER);
    s->waiter = NULL;
    parent->cancel_on_gone = before;
    return r;
}

int
subrequest_wait(struct exchange *x)
{
    return wait_for(x->own);
}

int
subrequest_run(struct exchange *x)
{
    subrequest_start(x);
    return wait_for(x->own);
}

static int
next(struct body *b, struct chunk *out)
{
    struct subrequest *s = container_of(b, struct subrequest, body);
    if (s->state == OVER)
        return -ECANCELED;
    s->asked = true;
    s->result = -ECANCELED;
    s->state = BUSY;
    fiber_wake(s->fiber.fiber);
    int r = wait_for(s);
    *out = s->chunk;
    return r < 0 ? r : s->result;
}

static bool
ready(struct body *b)
{
    struct subrequest *s = container_of(b, struct subrequest, body);
    return s->state == OVER || body_ready(s->x->response.body); /* over: cancelled, body and all */
}

struct body *
subrequest_body(struct exchange *x)
{
    static const struct body_ops ops = { .next = next, .ready = ready };
    x->own->body.ops = &ops;
    return x->response.body ? &x->own->body : NULL;
}

void
subrequest_close(struct exchange *x)
{
    struct subrequest *s = x->own;
    s->closing = true;
    if (s->fiber.fiber && s->state == BUSY)
        child_cancel(&s->fiber);
    else if (s->fiber.fiber)
        fiber_wake(s->fiber.fiber);
    child_join(&s->fiber);
    exchange_root(x)->alive--;
    exchange_close(x);
}

size_t
subrequest_output_max(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->core->subrequest_output_buffer_size.n;
}

enum verdict
subrequest_cancelled(struct exchange *parent)
{
    return fail(parent, FAULT_CLIENT_GONE, "%s", "");
}
