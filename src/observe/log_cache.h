/* Log files whose names come from the request: descriptors kept open per thread
 * (open_log_file_cache), or opened for each line. */
#pragma once

#include "base/str.h"

struct log_cache_settings {
    unsigned max;         /* descriptors a thread; 0: none are kept */
    unsigned min_uses;    /* uses within inactive_ms that make one worth keeping */
    uint64_t inactive_ms; /* closed when unused for that long */
    uint64_t valid_ms;    /* after that long the name is looked at again: it may have been moved */
};

/* Appends line to the file of that path (NUL-terminated), making it when it is missing. 0 or
 * -errno. */
int log_cache_write(const struct log_cache_settings *s, struct str path, struct str line);
/* Closes all of the calling thread. */
void log_cache_close(void);
