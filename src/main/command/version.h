/* What the program calls itself, what it says of its version, and the paths it was built with. */
#pragma once

#include "config/directive.h"

#include <stdio.h>

/* "usher"; "nginx" when it was started by a name that begins so. */
const char *program_name(void);
void program_name_set(const char *argv0);

/* "nginx version: nginx/1.31.5 (usher X.Y.Z)" */
void program_print_version(FILE *to);
/* The same, the compiler and the configure arguments. Tools parse the arguments to learn which
 * modules there are, so they are made from the directives that exist: nothing is claimed that is
 * not there. */
void program_print_build(FILE *to, const struct directive_set *const *sets);
