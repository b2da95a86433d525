/* What nginx has and usher has not. Private to the config room. */
#pragma once

#include "base/buf.h"

/* The module of nginx, or the add-on, that owns a directive which no row has; NULL when none
 * does. */
const char *foreign_module(struct str name);
/* Every directive of nginx and of the add-ons, module by module; `later` when usher means to have
 * it. */
typedef void foreign_fn(void *arg, const char *module, bool later, struct str name);
void foreign_each(foreign_fn *fn, void *arg);
/* '"gzip" of ngx_http_gzip_module is not in usher yet', or 'is not part of usher'. */
void foreign_print(struct str name, const char *module, struct buf *b);
