/* The file that tells scripts which process to signal. */
#pragma once

#include "base/str.h"

#include <sys/types.h>

/* Writes this process's ID. 0 or -errno. */
int pidfile_write(struct str path);
/* Reads one. False and *why (an errno; 0: not a number, the text is in `text`) when there is none.
 */
bool pidfile_read(struct str path, pid_t *pid, char text[32], int *why);
/* Only where it names this process: another's file is another's. No file no matter. */
void pidfile_remove(struct str path);
