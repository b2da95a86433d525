/* usher lint: configurations and what is most likely wrong with them. */
#pragma once

/* argv after "lint". The exit code: 0 nothing found, 1 warnings, 2 a file does not load. */
int lint_command(char **argv);
