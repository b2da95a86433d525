/* What ps(1) shows: "usher: master process /usr/sbin/usher -p …", "usher: worker process". */
#pragma once

#include <stdbool.h>

/* Once, first of all: copies the arguments and the environment away from where the title goes.
 * Returns the arguments to use from then on. */
char **title_init(int argc, char **argv);
/* "usher: WHAT", and after it the command line when `whole`. */
void title_set(const char *what, bool whole);
