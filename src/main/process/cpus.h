/* Processors: how many loop threads `worker_processes auto` means, and which thread runs where. */
#pragma once

#include "base/arena.h"

#include <sched.h>

/* Processors that this process may use: its affinity, and no more than the quota of its control
 * groups allows (rounded up). At least 1. */
unsigned cpus_usable(void);
/* The quota of the control groups that `self` (/proc/self/cgroup) names, v1 or v2, mounted below
 * `root` (/sys/fs/cgroup), rounded up; 0 when there is none. */
unsigned cpus_of_quota(const char *root, const char *self);

/* worker_cpu_affinity */
struct affinity {
    bool automatic;         /* one processor a thread, of masks[0] when there is one */
    const cpu_set_t *masks; /* the i-th thread's; the last one's for those beyond */
    unsigned n;
};

/* A mask in nginx's notation ("0101": processors 0 and 2). False with *bad when another digit
 * stands in it or it is too long (*bad is 0 then). */
bool affinity_parse(struct str text, cpu_set_t *out, char *bad);
/* Binds the calling thread, the index-th; errors are of no consequence. */
void affinity_apply(const struct affinity *a, unsigned index);
bool affinity_equal(const struct affinity *a, const struct affinity *b);
