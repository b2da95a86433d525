/* Slow passwords that were right a short while ago: one page of a browser is fifty requests, and
 * need not be fifty bcrypts. Holds keyed digests only, with a key that nobody has; a changed
 * password is another digest. Process-wide, for any thread: its lock is held for a few loads and
 * stores. */
#pragma once

#include "base/str.h"

struct password_key {
    unsigned char v[32];
};

struct password_key password_key_of(struct str stored, struct str user, struct str password);
bool password_cache_has(const struct password_key *k);
/* For that many milliseconds; the oldest of its place goes. */
void password_cache_add(const struct password_key *k, uint64_t ms);
