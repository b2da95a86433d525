/* The process's own session ticket keys: a ratchet of 256-bit secrets, one an epoch.
 *
 * The next epoch's secret is a hash of the present one, and those no ticket needs any more are
 * forgotten: nothing has to be told between threads or processes for all to encrypt with the same
 * key, and who learns today's secret cannot open yesterday's tickets. A worker process and an
 * upgraded program begin with what the supervisor hands them. */
#pragma once

#include "base/str.h"

enum { TICKET_STATE_SIZE = 40 }; /* epoch, secret */

/* Begins with a fresh secret; once, in the first process. */
void ticket_keys_begin(void);
/* What a process started later begins with, and how it takes it. False: not a state. */
void ticket_keys_save(unsigned char out[TICKET_STATE_SIZE]);
bool ticket_keys_load(struct str state);
