/* Is it the password? Stored as htpasswd and its kin do: {PLAIN}, {SHA}, {SSHA}, $apr1$, and
 * whatever the system's crypt(3) knows (bcrypt, SHA-2, yescrypt …). Pure, for any thread. */
#pragma once

#include "base/str.h"

/* Does a check take so long that it belongs into an off-load thread, and needs more stack than a
 * fiber has? */
bool password_is_slow(struct str stored);
/* Takes as long whether it is or not. */
bool password_matches(struct str stored, struct str password);
