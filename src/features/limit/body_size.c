/* client_max_body_size: refuse a request body larger than its location allows.
 *
 * A declared length is judged when the location is found, before a byte of body is read and before
 * any rewrite; an undeclared one as it arrives, by the location that reads it. */
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

extern const struct feature client_max_body_size;

/* A body that fails when more comes than the location allows that reads it. */
struct counted_body {
    struct body body; /* first */
    struct body *inner;
    struct exchange *x;
    uint64_t taken;
};

static int
next(struct body *b, struct chunk *out)
{
    struct counted_body *my = (struct counted_body *)b;
    const struct settings *now = feature_settings(my->x, &client_max_body_size);
    int r = body_next(my->inner, out);
    if (r <= 0)
        return r;
    my->taken += chunk_size(out);
    return now->max.n && my->taken > now->max.n ? -EFBIG : r;
}

static void
close_inner(struct body *b)
{
    body_close(((struct counted_body *)b)->inner);
}

/* What was refused is not for the page that says so. */
static enum verdict
refuse(struct exchange *x)
{
    x->request_body = NULL;
    return fail(x, FAULT_BODY_TOO_LARGE,
                "client intended to send too large body: %" PRIu64 " bytes",
                x->request.content_length);
}

static enum verdict
judge(struct exchange *x, const void *settings)
{
    static const struct body_ops ops = { .next = next, .close = close_inner };
    const struct settings *my = settings;
    if (x->request_body == NULL || x->request_body->ops == &ops)
        return PASS;
    if (x->request.framing == FRAMING_LENGTH)
        return my->max.n && x->request.content_length > my->max.n ? refuse(x) : PASS;
    struct counted_body *counted = arena_new(&x->arena, struct counted_body);
    *counted = (struct counted_body){ { &ops }, x->request_body, x, 0 };
    x->request_body = &counted->body;
    return PASS;
}

const struct feature client_max_body_size = {
    .name = "client_max_body_size",
    .phase = PHASE_FOUND,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .on_request = judge,
    .explain = judge,
};
