/* Finding the first byte of a class, sixteen bytes a step.
 *
 * The compiler's vector types, no intrinsics: baseline SSE2 on x86-64 and NEON on aarch64 come from
 * the same lines. Nothing is read beyond `end`; the last few bytes are looked at one by one. A scan
 * returns `end` when no byte is of the class. */
#pragma once

#include "base/str.h"

typedef uint8_t scan_block __attribute__((vector_size(16)));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lane order");

static inline scan_block
scan_load(const char *p)
{
    scan_block b;
    memcpy(&b, p, sizeof b);
    return b;
}

/* The first lane that is set, 16 when none is. */
static inline unsigned
scan_first(scan_block hit)
{
    uint64_t half[2];
    memcpy(half, &hit, sizeof half);
    if (half[0])
        return (unsigned)__builtin_ctzll(half[0]) / 8;
    return half[1] ? 8 + (unsigned)__builtin_ctzll(half[1]) / 8 : 16;
}

/* Defines scan_NAME(p, end): the first byte for which the expression over c is true. The expression
 * must read the same for a vector and for a byte: comparisons joined by & and |. */
#define SCAN(name, expression)                                            \
    static inline const char *scan_##name(const char *p, const char *end) \
    {                                                                     \
        for (; end - p >= 16; p += 16) {                                  \
            scan_block c = scan_load(p);                                  \
            unsigned at = scan_first((scan_block)(expression));           \
            if (at < 16)                                                  \
                return p + at;                                            \
        }                                                                 \
        for (; p < end; p++) {                                            \
            uint8_t c = (uint8_t)*p;                                      \
            if (expression)                                               \
                break;                                                    \
        }                                                                 \
        return p;                                                         \
    }
