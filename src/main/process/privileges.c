/* Giving up root: the order matters, each step may be the last that is allowed. */
#include "main/process/privileges.h"

#include "main/report.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void
limit(int resource, const char *name, struct limit l)
{
    struct rlimit r = { l.value, l.value };
    if (l.given && setrlimit(resource, &r) < 0)
        report(LEVEL_ALERT, errno, "setrlimit(%s, %llu) failed", name, (unsigned long long)l.value);
}

static bool
built_in_user(uid_t *uid, gid_t *gid)
{
    const struct passwd *p = getpwnam(USER_NAME);
    const struct group *g = getgrnam(GROUP_NAME);
    if (p == NULL)
        return false;
    *uid = p->pw_uid;
    *gid = g ? g->gr_gid : p->pw_gid;
    return true;
}

bool
privileges_user(const struct process_settings *p, struct str *name, uid_t *uid, gid_t *gid)
{
    if (geteuid() != 0)
        return false;
    if (p->user.n == 0) {
        *name = STR(USER_NAME);
        return built_in_user(uid, gid);
    }
    *name = p->user;
    *uid = p->uid;
    *gid = p->gid;
    return true;
}

static bool
change_user(const struct process_settings *p)
{
    struct str name;
    uid_t uid;
    gid_t gid;
    char text[256];
    if (!privileges_user(p, &name, &uid, &gid) || uid == 0)
        return true;
    snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
    const char *step = setgid(gid) < 0             ? "setgid"
                       : initgroups(text, gid) < 0 ? "initgroups"
                       : setuid(uid) < 0           ? "setuid"
                                                   : NULL;
    if (step == NULL)
        return true;
    report(LEVEL_EMERG, errno, "%s(%s) failed", step, text);
    return false;
}

static bool
change_directory(struct str path)
{
    char text[PATH_MAX];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(path));
    if (path.n == 0 || chdir(text) == 0)
        return true;
    report(LEVEL_ALERT, errno, "chdir(\"%s\") failed", text);
    return false;
}

static char *
pair(struct str name, struct str value)
{
    char *text = NULL;
    return asprintf(&text, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value)) < 0 ? NULL : text;
}

/* Only what `env` names, and TZ, is left. The old environment stays where it was: others may point
 * there. */
static void
change_environment(const struct environment *wanted)
{
    unsigned n = 0;
    for (const struct environment *e = wanted; e; e = e->next)
        n++;
    char **new = calloc(n + 2, sizeof *new);
    const char *zone = getenv("TZ");
    n = 0;
    if (zone)
        new[n++] = pair(STR("TZ"), str_of(zone));
    for (const struct environment *e = wanted; e; e = e->next) {
        char name[256];
        snprintf(name, sizeof name, STR_FMT, STR_ARG(e->name));
        struct str value = e->value.p ? e->value : str_of(getenv(name));
        if (value.p && !(zone && strcmp(name, "TZ") == 0 && e->value.p == NULL))
            new[n++] = pair(e->name, value);
    }
    environ = new;
}

bool
privileges_drop(const struct process_settings *p)
{
    if (p->priority && setpriority(PRIO_PROCESS, 0, p->priority) < 0)
        report(LEVEL_ALERT, errno, "setpriority(%d) failed", p->priority);
    limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", p->rlimit_nofile);
    limit(RLIMIT_CORE, "RLIMIT_CORE", p->rlimit_core);
    if (!change_user(p))
        return false;
    /* A process that has changed its user writes no core unless it says so. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
        report(LEVEL_ALERT, errno, "prctl(PR_SET_DUMPABLE) failed");
    change_environment(p->environment);
    return change_directory(p->working_directory);
}
