/* Cookies: reading one of a Cookie field, rewriting the attributes of a Set-Cookie (RFC 6265). */
#pragma once

#include "base/arena.h"

/* Value by name, case ignored as nginx's $cookie_ does, or STR_NONE. */
struct str cookie_value(struct str cookie_field, struct str name);
/* View of an attribute's value ("path", "domain") in a Set-Cookie value, or STR_NONE when absent;
 * empty when it has no value ("Secure"). */
struct str set_cookie_attribute(struct str set_cookie, struct str attribute);
