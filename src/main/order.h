/* usher -s SIGNAL: tells the running usher. */
#pragma once

#include "main/options.h"

/* The exit code. */
int order_send(const struct options *o);
