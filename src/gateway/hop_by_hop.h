/* Fields that are for one hop only (RFC 9110 7.6.1): they are read here and never passed on, in
 * neither direction. */
#pragma once

#include "base/map.h"
#include "http/field.h"

/* By its name alone: Connection, Transfer-Encoding and their kin. */
bool hop_is_bound(enum header id);

/* What the Connection fields of a head name beside: any of them may nominate any other field. */
struct hop_names {
    struct map names;
};

/* In the fields' arena. */
struct hop_names hop_names_of(const struct fields *fields);
bool hop_names_has(const struct hop_names *names, const struct field *f);

/* A trailer field that would say something about framing, routing or the connection if a recipient
 * merged it into the head (RFC 9110 6.5.1), or that is for this hop. */
bool hop_is_bad_trailer(enum header id);
