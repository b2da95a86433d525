/* From a command line to a program that serves. */
#pragma once

#include "main/command/options.h"

/* Runs usher until it ends. The exit code. */
int start(const struct options *o);
