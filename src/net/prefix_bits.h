/* Prefixes and addresses as numbers, to be sorted and sought. */
#pragma once

#include "net/prefix.h"

/* The address, most significant bit first; IPv4 is the upper half of `high`. What is beyond
 * `length` is zero. */
struct prefix_bits {
    uint64_t high, low;
    uint8_t length;
    bool v4;
};

/* False: it is not IP. */
bool prefix_bits_of(const struct prefix *p, struct prefix_bits *out);
/* A whole address; IPv4 that was mapped into IPv6 becomes IPv4 again. False: it is not IP. */
bool prefix_bits_of_address(const struct address *a, struct prefix_bits *out);
bool prefix_bits_covers(const struct prefix_bits *p, const struct prefix_bits *address);
/* The last address within, as a whole one. */
struct prefix_bits prefix_bits_end(const struct prefix_bits *p);
