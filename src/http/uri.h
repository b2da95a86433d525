/* URIs as nginx reads them: percent-decoding, dot segments, slashes, escaping (RFC 3986). */
#pragma once

#include "base/buf.h"

enum uri_outcome {
    URI_OK,
    URI_BAD, /* illegal escape, NUL, no '/' at the start, or ".." above the root: 400 */
};

/* $uri of a raw path: decoded, dot segments resolved, a '#' ends it, runs of '/' merged when asked.
 * "*" stays as it is. When nothing has to change, *out is the input itself (no copy): the common
 * case is one SIMD scan.
 */
enum uri_outcome uri_normalize(struct str raw, bool merge_slashes, struct arena *a, struct str *out)
    __attribute__((warn_unused_result));
/* Percent-decodes; malformed escapes stay as they are. */
struct str uri_decode(struct str s, struct arena *a);
/* What nginx escapes: in a normalised URI that goes to a backend or into the redirect that adds a
 * slash; in what a rewrite puts into arguments; all but RFC 3986's unreserved bytes; and in the
 * Location that a rewrite makes (controls, blanks, '"', '#', '%' and bytes from 0x7f on only).
 * Where the client escaped nothing, nginx does not either: then only what would end a request line.
 */
enum uri_escape {
    ESCAPE_URI,
    ESCAPE_ARGS,
    ESCAPE_URI_COMPONENT,
    ESCAPE_REDIRECT,
    ESCAPE_UNSENDABLE
};
/* Returns s itself when nothing needs escaping. */
struct str uri_escape(struct str s, enum uri_escape how, struct arena *a);
/* Value of an argument by name (first, case-insensitive as nginx's $arg_), or STR_NONE. Not
 * decoded. */
struct str uri_arg(struct str args, struct str name);
/* "host[:port]" or "[v6][:port]": lower-cased host (copied only when needed), port -1 when absent,
 * or empty, trailing dot removed. False when it is not RFC 3986 3.2.2's, has "..", or no host at
 * all: nginx's rules for Host since 1.29.4, answered by 400. */
bool host_parse(struct str authority, struct arena *a, struct str *host, int *port)
    __attribute__((warn_unused_result));
