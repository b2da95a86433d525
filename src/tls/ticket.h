/* The process's own session ticket keys: a ratchet of 256-bit secrets, one an epoch.
 *
 * The next epoch's secret is a hash of the present one, and those no ticket needs any more are
 * forgotten: nothing has to be told between threads or processes for all to encrypt with the same
 * key, and who learns today's secret cannot open yesterday's tickets. A worker process and an
 * upgraded program begin with what the supervisor hands them. Thread-safe. */
#pragma once

#include "base/str.h"

enum { TICKET_STATE_SIZE = 40 }; /* epoch, secret */

/* Begins with a fresh secret; once, in the first process. Without it the first use does. */
void ticket_keys_begin(void);
/* What a process started later begins with, and how it takes it. False: not a state. */
void ticket_keys_save(unsigned char out[TICKET_STATE_SIZE]);
bool ticket_keys_load(struct str state);
/* Forgets what is over; for a process that seals nothing itself. */
void ticket_keys_advance(void);

/* --- For the room --- */

enum { TICKET_NAME = 16 };

struct ticket_key {
    unsigned char name[TICKET_NAME];
    unsigned char aes[32], hmac[32];
    unsigned char size; /* of the two, 16 or 32 */
};

enum ticket_match { TICKET_UNKNOWN, TICKET_OPENS, TICKET_RENEW /* opens, by a key of the past */ };

/* Tickets of that age should still open: the keys of as long ago are kept, a week's at most. */
void ticket_keys_reach(uint64_t ms);
void ticket_key_present(struct ticket_key *out);
enum ticket_match ticket_key_find(const unsigned char name[TICKET_NAME], struct ticket_key *out);
/* As if `hours` had passed, for tests. */
void ticket_keys_skip(uint64_t hours);
