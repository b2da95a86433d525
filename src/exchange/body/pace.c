/* A body at a limited pace: limit_rate in all its forms.
 *
 * As with nginx the first second's bytes may leave at once, so that what is small is not slowed
 * down. Then pieces of about a tenth of a second's follow, each when the clock allows it. */
#include "exchange/body/body.h"

#include "base/clock.h"
#include "fiber/fiber.h"

struct paced_body {
    struct body body; /* first */
    struct body *inner;
    uint64_t rate, burst, began_ms;
    uint64_t given;       /* bytes so far */
    struct chunk pending; /* pulled and not yet given */
};

/* How many bytes may be given by now. */
static uint64_t
allowance(const struct paced_body *my)
{
    uint64_t ms = clock_ms() - my->began_ms + 1000;
    uint64_t total = my->rate / 1000 * ms + my->rate % 1000 * ms / 1000 + my->burst;
    return total > my->given ? total - my->given : 0;
}

/* Until a tenth of a second's bytes may go, or all that is at hand. */
static int
await_allowance(const struct paced_body *my)
{
    uint64_t step = my->rate / 10 + 1, now;
    if (chunk_size(&my->pending) < step)
        step = chunk_size(&my->pending);
    while ((now = allowance(my)) < step) {
        int r = fiber_sleep((step - now) * 1000 / my->rate + 1);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The first n bytes of what is pending. */
static void
give(struct paced_body *my, uint64_t n, struct chunk *out)
{
    struct chunk *pending = &my->pending;
    *out = *pending;
    if (n >= chunk_size(pending)) {
        n = chunk_size(pending);
        pending->bytes = STR_NONE;
        pending->file = -1;
    } else {
        out->last = false;
        out->bytes = str_head(out->bytes, n);
        out->file_size = n;
        pending->bytes = pending->file < 0 ? str_skip(pending->bytes, n) : STR_NONE;
        pending->file_offset += (off_t)n;
        pending->file_size -= n;
    }
    my->given += n;
}

static int
next(struct body *b, struct chunk *out)
{
    struct paced_body *my = (struct paced_body *)b;
    int r = 1;
    if (chunk_size(&my->pending) == 0)
        r = body_next(my->inner, &my->pending);
    if (r > 0 && (r = await_allowance(my)) == 0) {
        give(my, allowance(my), out);
        r = 1;
    }
    return r;
}

static bool
ready(struct body *b)
{
    struct paced_body *my = (struct paced_body *)b;
    return allowance(my) > my->rate / 10 && (chunk_size(&my->pending) > 0 || body_ready(my->inner));
}

static void
close_inner(struct body *b)
{
    body_close(((struct paced_body *)b)->inner);
}

struct body *
body_pace(struct arena *a, struct body *b, uint64_t rate, uint64_t burst)
{
    static const struct body_ops ops = { .next = next, .ready = ready, .close = close_inner };
    struct paced_body *my = arena_new(a, struct paced_body);
    *my = (struct paced_body){ { &ops }, b, rate, burst, clock_ms(), 0, { .file = -1 } };
    return &my->body;
}
