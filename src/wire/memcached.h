/* memcached's text protocol, as far as a get for one key needs it: keys that are safe to send, and
 * the line that answers. */
#pragma once

#include "base/arena.h"

/* A key as nginx sends it: controls, blanks and '%' as %XX, so that no key is two words. */
struct str memcached_key(struct str key, struct arena *a);

enum memcached_answer { MEMCACHED_VALUE, MEMCACHED_MISS, MEMCACHED_BAD };

struct memcached_value {
    uint64_t flags, size;
    const char *why; /* of MEMCACHED_BAD, static */
};

/* The first line, with or without its line end: "VALUE key flags size" of that key, or "END". */
enum memcached_answer memcached_read_line(struct str line, struct str key,
                                          struct memcached_value *out);

/* What follows a value. */
#define MEMCACHED_TRAILER STR("\r\nEND\r\n")
