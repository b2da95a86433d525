/* usher proxy --from [HOST]:PORT --to HOST:PORT[,HOST:PORT…]: a whole proxy on one command line. */
#pragma once

#include "base/arena.h"

/* The configuration that argv (after "proxy") asks for; STR_NONE when it is wrong (said on stderr).
 */
struct str proxy_command_configuration(char **argv, struct arena *a);
