/* Reading the files that ssl_* directives name. */
#pragma once

#include "exchange/secure/ssl_settings.h"

/* Its bytes, sealed with the configuration; NULL has none. False: it cannot be read, an error of
 * the configuration at its place. */
bool ssl_file_load(struct compile *c, const struct ssl_file *f, struct str *out);
/* What OpenSSL does not like in a file, by its name and at its place; without a file at
 * `otherwise`. */
void ssl_file_blame(struct compile *c, enum log_level level, const struct ssl_file *f,
                    struct span otherwise, const struct tls_problem *p);
