/* What a peer may cost without doing anything useful: control frames, resets, field blocks that
 * grow. A pair of token buckets and a sum for each link; none of it looks at what is inside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2_budget {
    uint64_t filled_ms;   /* when time last refilled them */
    int32_t control;      /* frames that may still come without use */
    int32_t resets;       /* streams that may still be given up early */
    uint64_t block_bytes; /* decoded of the present field block */
    uint64_t block_began; /* conn's bytes_read when it began */
};

void h2_budget_init(struct h2_budget *b);
/* A frame that carries nothing: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA … */
bool h2_budget_control(struct h2_budget *b) __attribute__((warn_unused_result));
/* A stream that ended before its time by the peer's doing. */
bool h2_budget_reset(struct h2_budget *b) __attribute__((warn_unused_result));
/* Work was done for the peer: a frame of DATA, a request's head, a stream that went to its end. */
void h2_budget_earn_frame(struct h2_budget *b);
void h2_budget_earn_request(struct h2_budget *b);
void h2_budget_earn_stream(struct h2_budget *b);
