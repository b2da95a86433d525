/* What a worker process gives up and what it is given before it serves: user, limits, environment.
 */
#pragma once

#include "main/settings.h"

/* In the worker, before any thread runs: priority, resource limits, group, user, working directory,
 * environment. False when the process may not go on (reported). */
bool privileges_drop(const struct process_settings *p);
/* The user that the worker runs as: of the settings, else the built-in one; false when usher was
 * not started by root (nothing is dropped then). *name is malloc'ed or static. */
bool privileges_user(const struct process_settings *p, struct str *name, uid_t *uid, gid_t *gid);
