/* Cookies: reading one of a Cookie field, rewriting the attributes of a Set-Cookie (RFC 6265). */
#pragma once

#include "base/arena.h"

/* Value by name, case ignored as nginx's $cookie_ does, or STR_NONE. */
struct str cookie_value(struct str cookie_field, struct str name);

/* A Set-Cookie value taken apart: the cookie itself, then its attributes (RFC 6265 5.2). */
struct cookie_part {
    struct str name, value; /* value: STR_NONE where there is no '=' */
};

struct set_cookie {
    struct cookie_part *v;
    unsigned n;
};

/* Parts are views of the text; there is room for so many more. False: there is no cookie in it. */
bool set_cookie_parse(struct str text, unsigned room, struct arena *a, struct set_cookie *out);
/* The first attribute of that name, or NULL. */
struct cookie_part *set_cookie_find(const struct set_cookie *c, struct str attribute);
/* All of that name. */
void set_cookie_remove(struct set_cookie *c, struct str attribute);
struct str set_cookie_print(const struct set_cookie *c, struct arena *a);
