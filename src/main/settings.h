/* Settings of the program itself: the directives of nginx's main and events contexts. */
#pragma once

#include "config/compile.h"
#include "main/process/cpus.h"

#include <sys/types.h>

struct environment { /* env NAME[=VALUE] */
    struct environment *next;
    struct str name;
    struct str value; /* STR_NONE: as it was at the start */
};

struct limit { /* a resource limit, when given */
    bool given;
    uint64_t value;
};

struct process_settings {
    unsigned worker_processes; /* loop threads; 0: auto */
    bool daemon, master_process;
    struct str pid;
    struct str user; /* STR_NONE: the built-in user, when the program runs as root */
    uid_t uid;       /* of user; meaningful when user is set */
    gid_t gid;
    struct limit rlimit_nofile, rlimit_core;
    struct msec worker_shutdown_timeout; /* 0: none */
    struct affinity affinity;
    int priority;
    struct environment *environment;
    struct str working_directory;
    unsigned worker_connections; /* of events { }, per thread */
    /* Accepted for nginx's sake. */
    unsigned use, debug_points, worker_aio_requests;
    bool multi_accept, accept_mutex, pcre_jit;
    struct msec accept_mutex_delay, timer_resolution;
    struct str lock_file;
};

extern const struct directive_set process_directives;

struct snapshot;
/* The program's settings in a compiled configuration. */
const struct process_settings *process_settings_of(const struct snapshot *s);
/* Loop threads they ask for, `auto` resolved: 1 … THREADS_MAX. */
unsigned process_threads(const struct process_settings *p);
/* Do they differ in what a running worker process cannot change? */
bool process_settings_need_new_worker(const struct process_settings *a,
                                      const struct process_settings *b);
