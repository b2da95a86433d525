/* usher explain: what a configuration does with one request. */
#pragma once

/* argv after "explain". The exit code: 0, or 2 when the file does not load or the request is none.
 */
int explain(char **argv);
