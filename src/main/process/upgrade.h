/* USR2: a new program takes the same sockets while the old one still serves; the operator decides
 * which of the two goes (WINCH, QUIT, HUP to the old one, as with nginx). */
#pragma once

#include "main/process/supervisor.h"

void upgrade_begin(struct supervisor *s);
/* The new program has ended: the pid file gets its name back. */
void upgrade_failed(struct supervisor *s, int status);
