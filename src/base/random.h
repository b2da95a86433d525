/* Randomness: a fast per-thread generator for balancing and jitter, the kernel's for secrets. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Not for secrets. Thread-local state, seeded from the kernel. */
uint64_t random_u64(void);
/* Uniform in [0, below); below must not be 0. */
uint64_t random_below(uint64_t below);
/* From the kernel: for identifiers that must not be guessed. Cannot fail. */
void random_bytes(void *out, size_t n);
/* One value for the life of the process, for hash tables. */
uint64_t random_seed(void);
