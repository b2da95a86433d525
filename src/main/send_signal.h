/* usher -s SIGNAL: tells the running usher. */
#pragma once

#include "main/options.h"

/* The exit code. */
int send_signal(const struct options *o);
