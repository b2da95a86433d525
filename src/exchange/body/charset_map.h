/* charset_map: tables from one charset to another and back, and bodies that pass through them. */
#pragma once

#include "config/compile.h"
#include "exchange/exchange.h"

struct charset_map;

/* A table and a way through it. */
struct conversion {
    const struct charset_map *map;
    bool back;
};

/* The row's .set, for a member struct charset_map *. */
bool charset_map_set(struct setting *s);
bool charset_map_find(const struct charset_map *maps, struct str from, struct str to,
                      struct conversion *out);
/* As the first charset_map that has it spells it; STR_NONE: none has it. */
struct str charset_map_spelling(const struct charset_map *maps, struct str name);
/* x's response passes through it from now on; its head too is changed as far as it no longer fits.
 */
void charset_map_convert(struct exchange *x, struct conversion how);
