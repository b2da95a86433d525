/* Listening sockets of this thread. */
#pragma once

#include "front/front_thread.h"

/* Accepts again after a pause. */
void listeners_retry(struct front_thread *f);
/* Closes them all; their connections live on. */
void listeners_close(struct front_thread *f);
