/* Base64 (RFC 4648 4) and its alphabet for URLs (RFC 4648 5). */
#pragma once

#include "base/arena.h"

/* Up to the first "=" or the end; either alphabet's own letters are refused in the other's.
 * STR_NONE when a byte is none of them, or when one letter is left over. */
struct str base64_decode(struct arena *a, struct str text);
struct str base64url_decode(struct arena *a, struct str text);
/* With "=" at its end. */
struct str base64_encode(struct arena *a, struct str bytes);
