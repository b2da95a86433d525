/* usher help: what the directives mean, from their own rows. */
#pragma once

/* argv after "help". The exit code. */
int help(char **argv);
