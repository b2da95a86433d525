/* Lists of MIME types, as sub_filter_types, charset_types, gzip_types and their like have them:
 * which responses a filter of bodies is for.
 *
 * A row: { "x_types", PLACE(struct settings, types), …, .set = mime_types_set, .flags = MANY,
 * .args_min = 1, .args_max = ARGS_ANY } for a member `struct mime_types *types`; NULL is the
 * default, text/html alone. */
#pragma once

#include "config/compile.h"

struct mime_types {
    struct map names;
    bool any; /* "*" */
};

/* text/html and what the words say. */
bool mime_types_set(struct setting *s);
/* Is a response of that Content-Type (parameters and all; STR_NONE: without one) meant? */
bool mime_types_have(const struct mime_types *t, struct str content_type);
/* The media type alone: what stands before "; charset=". Other parameters belong to the type, as
 * nginx has it. */
struct str mime_type_of(struct str content_type);
/* The value of its charset parameter, without quotes; STR_NONE when it has none. */
struct str mime_charset_of(struct str content_type);
