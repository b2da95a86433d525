/* open_file_cache: what was learnt of paths, and descriptors that stay open. Each thread has a
 * table of its own; nothing is locked. */
#pragma once

#include "exchange/files/files.h"

/* Of one directive; its tables are made when their threads first ask. */
struct file_cache *file_cache_open(unsigned max, uint64_t inactive_ms);
/* When no thread uses it any more. */
void file_cache_close(struct file_cache *c);

/* How a path is opened and judged; equal ones may share what is known. */
struct file_question {
    struct str path; /* followed by a NUL */
    size_t trusted;  /* see symlinks_open */
    enum symlinks symlinks;
    bool look; /* no descriptor is needed */
};

/* What the disk says: 0 and *out (fd too unless it was only looked at), or -errno. */
int file_ask(const struct file_question *q, struct file *out) __attribute__((warn_unused_result));
/* The same by way of the calling thread's table. */
int file_cache_ask(const struct file_settings *my, const struct file_question *q, struct file *out)
    __attribute__((warn_unused_result));
/* Lets go of what an answer holds. */
void cached_file_drop(struct cached_file *f);
