/* usher -s SIGNAL: tells the running usher. */
#pragma once

#include "main/command/options.h"

/* The exit code. */
int send_signal(const struct options *o);
