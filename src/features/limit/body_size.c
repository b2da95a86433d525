/* client_max_body_size: refuse a request body larger than its location allows.
 *
 * A declared length is judged before a byte of body is read; an undeclared one as it arrives. */
#include "exchange/feature.h"

#include <errno.h>
#include <inttypes.h>

struct settings {
    struct bytes max;
};

static const struct directive directives[] = {
    { "client_max_body_size", FIELD(struct settings, max), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "1m", .help = "Largest request body accepted; 413 beyond. 0 lifts the limit." },
    { 0 },
};

/* A body that fails when more comes than is allowed. */
struct counted_body {
    struct body body; /* first */
    struct body *inner;
    uint64_t left;
};

static int
next(struct body *b, struct chunk *out)
{
    struct counted_body *my = (struct counted_body *)b;
    int r = body_next(my->inner, out);
    if (r <= 0)
        return r;
    if (chunk_size(out) > my->left)
        return -EFBIG;
    my->left -= chunk_size(out);
    return r;
}

static void
close_inner(struct body *b)
{
    body_close(((struct counted_body *)b)->inner);
}

static enum verdict
judge(struct exchange *x, const void *settings)
{
    static const struct body_ops ops = { .next = next, .close = close_inner };
    const struct settings *my = settings;
    if (x->request_body == NULL || my->max.n == 0)
        return PASS;
    if (x->request.framing == FRAMING_LENGTH) {
        if (x->request.content_length <= my->max.n)
            return PASS;
        return fail(x, FAULT_BODY_TOO_LARGE,
                    "client intended to send too large body: %" PRIu64 " bytes",
                    x->request.content_length);
    }
    struct counted_body *counted = arena_new(&x->arena, struct counted_body);
    *counted = (struct counted_body){ { &ops }, x->request_body, my->max.n };
    x->request_body = &counted->body;
    return PASS;
}

const struct feature client_max_body_size = {
    .name = "client_max_body_size",
    .phase = PHASE_LIMIT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .on_request = judge,
    .explain = judge,
};
