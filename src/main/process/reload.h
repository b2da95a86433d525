/* HUP and USR1 as the supervisor carries them out. */
#pragma once

#include "main/process/supervisor.h"

/* Reads, compiles, binds, opens; then hands it to the worker, or starts a new worker when the old
 * one cannot become what is wanted. False when nothing changed (reported). */
bool reload(struct supervisor *s);
/* The configuration in force, with its watched files as they are now: `path` and n - 1 others have
 * changed. False when it stays as it is (reported): they are broken, and were not before. */
bool reload_files(struct supervisor *s, struct str path, unsigned n);
/* Opens every log anew and sends the descriptors to the workers. */
void reload_reopen(struct supervisor *s);
/* A worker with the configuration in force in place of the one that serves; that one drains when
 * the new one is ready, and not before: a worker that cannot start costs nobody his service. */
void reload_replace_worker(struct supervisor *s);
