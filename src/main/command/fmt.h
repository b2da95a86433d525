/* usher fmt: lays configurations out anew. */
#pragma once

/* argv after "fmt". The exit code: 0, with --check 1 when a file would change, 2 when one cannot be
 * read, written or understood. */
int fmt(char **argv);
