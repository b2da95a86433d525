/* Processors: affinity, control-group quotas, masks.
 *
 * In a container with half a processor, a thread a core of the machine would only fight the quota:
 * threads that exist are throttled together. So the quota counts as the number of processors. */
#include "main/process/cpus.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_ = 4096 };

static bool
read_line(const char *path, char line[LINE_MAX_])
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    bool got = fgets(line, LINE_MAX_, f) != NULL;
    fclose(f);
    return got;
}

static unsigned
rounded_up(long long quota, long long period)
{
    return quota > 0 && period > 0 ? (unsigned)((quota + period - 1) / period) : 0;
}

/* "max 100000" or "50000 100000" */
static unsigned
quota_v2(const char *directory)
{
    char path[PATH_MAX], line[LINE_MAX_];
    snprintf(path, sizeof path, "%s/cpu.max", directory);
    if (!read_line(path, line))
        return 0;
    char *end;
    long long quota = strtoll(line, &end, 10);
    return end == line ? 0 : rounded_up(quota, strtoll(end, NULL, 10));
}

static unsigned
quota_v1(const char *directory)
{
    char path[PATH_MAX], quota[LINE_MAX_], period[LINE_MAX_];
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
    if (!read_line(path, quota))
        return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
    return read_line(path, period) ? rounded_up(strtoll(quota, NULL, 10), strtoll(period, NULL, 10))
                                   : 0;
}

static unsigned
stricter(unsigned a, unsigned b)
{
    return a == 0 || (b && b < a) ? b : a;
}

/* The strictest quota from a group up to the root of its hierarchy. Inside a container the path may
 * name a place that only the host sees: then the root of what is mounted is the group. */
static unsigned
strictest(const char *mount, const char *group, unsigned (*quota)(const char *directory))
{
    char path[PATH_MAX];
    size_t base = strlen(mount);
    if (base + strlen(group) >= sizeof path)
        return 0;
    strcpy(path, mount);
    strcpy(path + base, group);
    unsigned found = 0;
    for (;;) {
        found = stricter(found, quota(path));
        char *slash = strrchr(path + base, '/');
        if (slash == NULL)
            return found;
        *slash = '\0';
    }
}

static bool
names_controller(char *controllers, const char *wanted)
{
    for (char *c = strtok(controllers, ","); c; c = strtok(NULL, ","))
        if (strcmp(c, wanted) == 0)
            return true;
    return false;
}

/* One line of /proc/self/cgroup: "0::/group" (v2) or "1:cpu,cpuacct:/group" (v1). */
static unsigned
quota_of_line(const char *root, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL)
        return 0;
    controllers++;
    *group++ = '\0';
    if (*controllers == '\0')
        return strictest(root, group, quota_v2);
    char mount[PATH_MAX];
    if (snprintf(mount, sizeof mount, "%s/%s", root, controllers) >= (int)sizeof mount)
        return 0;
    return names_controller(controllers, "cpu") ? strictest(mount, group, quota_v1) : 0;
}

unsigned
cpus_of_quota(const char *root, const char *self)
{
    FILE *f = fopen(self, "re");
    if (f == NULL)
        return 0;
    char line[LINE_MAX_];
    unsigned found = 0;
    while (fgets(line, sizeof line, f))
        found = stricter(found, quota_of_line(root, line));
    fclose(f);
    return found;
}

unsigned
cpus_usable(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    unsigned quota = cpus_of_quota("/sys/fs/cgroup", "/proc/self/cgroup");
    return stricter((unsigned)n, quota);
}

bool
affinity_parse(struct str text, cpu_set_t *out, char *bad)
{
    CPU_ZERO(out);
    *bad = 0;
    if (text.n > CPU_SETSIZE)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[text.n - 1 - i];
        if (c == '1')
            CPU_SET(i, out);
        else if (c != '0')
            return *bad = c, false;
    }
    return true;
}

/* The index-th processor of those allowed, round and round. */
static bool
nth_allowed(const cpu_set_t *wish, unsigned index, cpu_set_t *out)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return false;
    if (wish)
        CPU_AND(&allowed, &allowed, wish);
    int n = CPU_COUNT(&allowed);
    if (n == 0)
        return false;
    unsigned left = index % (unsigned)n;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || left-- > 0)
            continue;
        CPU_ZERO(out);
        CPU_SET(cpu, out);
        return true;
    }
    return false;
}

void
affinity_apply(const struct affinity *a, unsigned index)
{
    cpu_set_t set;
    if (a->automatic) {
        if (nth_allowed(a->n ? &a->masks[0] : NULL, index, &set))
            (void)!sched_setaffinity(0, sizeof set, &set);
    } else if (a->n) {
        const cpu_set_t *mine = &a->masks[index < a->n ? index : a->n - 1];
        (void)!sched_setaffinity(0, sizeof *mine, mine);
    }
}

bool
affinity_equal(const struct affinity *a, const struct affinity *b)
{
    return a->automatic == b->automatic && a->n == b->n &&
           (a->n == 0 || memcmp(a->masks, b->masks, a->n * sizeof a->masks[0]) == 0);
}
