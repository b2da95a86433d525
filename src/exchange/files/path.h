/* The file that a URI stands for, by root or alias: what static files, index, try_files and the
 * variables about files agree on. */
#pragma once

#include "exchange/exchange.h"

/* The root or alias in force, evaluated and absolute. STR_NONE when it cannot be evaluated: x has
 * been failed then. */
struct str document_root(struct exchange *x);
/* $request_filename of a URI: the path, followed by a NUL that is not counted. The same failure. */
struct str request_filename(struct exchange *x, struct str uri);
/* Is one of its segments ".."? */
bool path_climbs(struct str path);
/* The same as request_filename for opening it: STR_NONE, and x failed, also when what is below the
 * root climbs out of it by "..": an alias without its slash ("location /a { alias /b/; }" and
 * "/a../"), a try_files made of arguments. */
struct str request_path(struct exchange *x, struct str uri);
