/* How the program and its commands are called. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Of the program, with a line for each command, and its options. */
void usage_print(FILE *to);
/* False when there is no such command. */
bool usage_print_command(FILE *to, const char *command);
/* The first word asks how a command is called: -h or --help. */
bool usage_is_asked(char *const *argv);
