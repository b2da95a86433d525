/* The front door of one worker thread: listeners, client connections, drain. All calls belong to
 * the thread's loop. */
#pragma once

#include "exchange/snapshot.h"

/* Accepts on fd (non-blocking, listening; taken) for the listen address of that text, from now on.
 * 0 or -errno. */
int front_listen(struct str address_text, int fd);
/* Stops accepting there and closes the descriptor; its connections live on, idle ones close. */
void front_unlisten(struct str address_text);
/* After snapshot_adopt: connections take the new snapshot at their next request by themselves;
 * nothing is closed. */

/* Graceful end: stop accepting, close idle connections, let exchanges finish (Connection: close).
 * `done` is called in the loop's context when the last is gone. Upgraded connections (WebSocket)
 * are part of it: they end when they end or at front_kill. */
void front_drain(void (*done)(void *arg), void *arg);
/* Cancels every exchange and closes every connection now (worker_shutdown_timeout, fast stop);
 * front_drain's done follows. */
void front_kill(void);

/* After the drain is done: what the thread kept is freed. */
void front_fini(void);

/* Client connections at most in this thread (worker_connections), and how many descriptors there
 * are for them and for what they need: a second one for each that has an exchange. When either is
 * reached, the oldest idle connection goes first, then accepting pauses: a client that waits is
 * better off than one that is let in and refused. */
void front_set_limits(unsigned connections, unsigned descriptors);
