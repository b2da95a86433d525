/* The budgets of a link. */
#include "h2/budget.h"

#include "base/clock.h"

/* A busy download is acknowledged by two WINDOW_UPDATEs a frame, a gRPC client pings with its data:
 * they earn more than they spend. Browsers give up hundreds of streams at once, seldom. */
enum {
    CONTROL_MAX = 2000,
    CONTROL_PER_SECOND = 200,
    CONTROL_PER_FRAME = 4,
    CONTROL_PER_REQUEST = 10,
    RESETS_MAX = 500,
    RESETS_PER_SECOND = 20,
    RESETS_PER_STREAM = 1,
};

static int32_t
add(int32_t n, uint64_t more, int32_t max)
{
    return more >= (uint64_t)(max - n) ? max : n + (int32_t)more;
}

/* Only when one runs low: the clock is not looked at for each frame. */
static void
refill(struct h2_budget *b)
{
    uint64_t now = clock_ms(), gone = now - b->filled_ms;
    if (gone < 1000)
        return;
    b->filled_ms = now;
    b->control = add(b->control, gone * CONTROL_PER_SECOND / 1000, CONTROL_MAX);
    b->resets = add(b->resets, gone * RESETS_PER_SECOND / 1000, RESETS_MAX);
}

void
h2_budget_init(struct h2_budget *b)
{
    *b =
        (struct h2_budget){ .filled_ms = clock_ms(), .control = CONTROL_MAX, .resets = RESETS_MAX };
}

bool
h2_budget_control(struct h2_budget *b)
{
    if (b->control < CONTROL_MAX / 2)
        refill(b);
    return b->control-- > 0;
}

bool
h2_budget_reset(struct h2_budget *b)
{
    if (b->resets < RESETS_MAX / 2)
        refill(b);
    return b->resets-- > 0;
}

void
h2_budget_earn_frame(struct h2_budget *b)
{
    b->control = add(b->control, CONTROL_PER_FRAME, CONTROL_MAX);
}

void
h2_budget_earn_request(struct h2_budget *b)
{
    b->control = add(b->control, CONTROL_PER_REQUEST, CONTROL_MAX);
}

void
h2_budget_earn_stream(struct h2_budget *b)
{
    b->resets = add(b->resets, RESETS_PER_STREAM, RESETS_MAX);
}
