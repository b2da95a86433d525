/* Settings of the program: rows of the main and events contexts, in nginx's words.
 *
 * A worker here is one process with a loop thread for each of nginx's worker processes, so
 * worker_processes counts threads; whatever nginx says of one worker process holds for one thread
 * where it is about load (worker_connections, worker_cpu_affinity) and for the process where it is
 * about the operating system's limits. */
#include "main/settings.h"

#include "base/thread.h"
#include "exchange/snapshot.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

static bool
set_worker_processes(struct setting *s)
{
    unsigned *threads = s->field;
    struct str word = setting_arg(s, 1);
    uint64_t n = 0;
    if (str_eq(word, STR("auto"))) {
        *threads = 0;
        return true;
    }
    if (!str_to_u64(word, UINT32_MAX, &n) || n == 0) {
        setting_error(s, 1, "\"worker_processes\" directive invalid value");
        setting_hint(s, "a number of threads belongs here, or auto");
        return false;
    }
    *threads = n < THREADS_MAX ? (unsigned)n : THREADS_MAX;
    if (n > THREADS_MAX)
        setting_warn(s, 1, "\"worker_processes\" is more than usher's %d threads", THREADS_MAX);
    return true;
}

static bool
find_group(struct setting *s, struct process_settings *my)
{
    struct str name = setting_arg(s, 2);
    char text[256];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
    const struct group *g = getgrnam(text);
    if (g == NULL)
        return setting_error(s, 2, "getgrnam(\"%s\") failed", text);
    my->gid = g->gr_gid;
    return true;
}

static bool
set_user(struct setting *s)
{
    struct process_settings *my = s->settings;
    if (geteuid() != 0) {
        setting_warn(s, 0,
                     "the \"user\" directive makes sense only if the master process runs with "
                     "super-user privileges, ignored");
        return true;
    }
    struct str name = setting_arg(s, 1);
    char text[256];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
    const struct passwd *p = getpwnam(text);
    if (p == NULL)
        return setting_error(s, 1, "getpwnam(\"%s\") failed", text);
    my->user = name;
    my->uid = p->pw_uid;
    my->gid = p->pw_gid;
    if (s->node->n > 2)
        return find_group(s, my);
    /* nginx: the group of the same name; where there is none, the user's own serves. */
    const struct group *g = getgrnam(text);
    if (g)
        my->gid = g->gr_gid;
    return true;
}

static bool
set_rlimit_nofile(struct setting *s)
{
    struct limit *limit = s->field;
    limit->given = str_to_u64(setting_arg(s, 1), INT64_MAX, &limit->value);
    return limit->given || setting_error(s, 1, "\"worker_rlimit_nofile\" directive invalid number");
}

static bool
set_rlimit_core(struct setting *s)
{
    struct limit *limit = s->field;
    limit->given = parse_bytes(setting_arg(s, 1), &limit->value);
    return limit->given || setting_error(s, 1, "\"worker_rlimit_core\" directive invalid value");
}

static bool
set_priority(struct setting *s)
{
    struct str word = setting_arg(s, 1);
    bool minus = word.n && word.p[0] == '-';
    bool sign = minus || (word.n && word.p[0] == '+');
    uint64_t n;
    if (!str_to_u64(sign ? str_skip(word, 1) : word, INT32_MAX, &n))
        return setting_error(s, 1, "\"worker_priority\" directive invalid number");
    *(int *)s->field = minus ? -(int)n : (int)n;
    return true;
}

static bool
parse_mask(struct setting *s, unsigned word, cpu_set_t *out)
{
    char bad;
    if (affinity_parse(setting_arg(s, word), out, &bad))
        return true;
    if (bad)
        return setting_error(s, word, "invalid character \"%c\" in \"worker_cpu_affinity\"", bad);
    return setting_error(s, word, "\"worker_cpu_affinity\" supports up to %d CPUs only",
                         CPU_SETSIZE);
}

static bool
set_affinity(struct setting *s)
{
    struct affinity *a = s->field;
    unsigned first = 1;
    a->automatic = str_eq(setting_arg(s, 1), STR("auto"));
    if (a->automatic) {
        if (s->node->n > 3)
            return setting_error(s, 0,
                                 "invalid number of arguments in \"worker_cpu_affinity\" "
                                 "directive");
        first = 2;
    }
    a->n = s->node->n - first;
    cpu_set_t *masks = arena_array(s->compile->arena, cpu_set_t, a->n + 1);
    a->masks = masks;
    bool fine = true;
    for (unsigned i = 0; i < a->n; i++)
        fine = parse_mask(s, first + i, &masks[i]) && fine;
    return fine;
}

static bool
set_env(struct setting *s)
{
    struct environment **end = s->field;
    while (*end)
        end = &(*end)->next;
    struct environment *e = *end = arena_new(s->compile->arena, struct environment);
    struct str rest = setting_arg(s, 1);
    e->name = str_cut(&rest, '=');
    e->value = rest;
    return true;
}

static bool
set_load_module(struct setting *s)
{
    const struct str built_in =
        STR("ngx_http_headers_more_filter_module.so ngx_http_geoip2_module.so");
    struct str path = setting_arg(s, 1), name = path;
    for (ptrdiff_t slash; (slash = str_find(name, '/')) >= 0;)
        name = str_skip(name, (size_t)slash + 1);
    if (!str_is_among(name, built_in))
        setting_warn(s, 1, "module \"" STR_FMT "\" is not loaded: usher has no dynamic modules",
                     STR_ARG(path));
    return true;
}

static bool
set_use(struct setting *s)
{
    struct str method = setting_arg(s, 1);
    if (str_eq(method, STR("epoll")))
        return true;
    return setting_error(s, 1, "invalid event type \"" STR_FMT "\"", STR_ARG(method));
}

static bool
set_debug_points(struct setting *s)
{
    struct str word = setting_arg(s, 1);
    if (str_eq(word, STR("stop")) || str_eq(word, STR("abort")))
        return true;
    return setting_error(s, 1, "invalid value \"" STR_FMT "\"", STR_ARG(word));
}

static bool
set_worker_connections(struct setting *s)
{
    struct str word = setting_arg(s, 1);
    uint64_t n;
    if (!str_to_u64(word, INT32_MAX, &n))
        return setting_error(s, 1, "invalid number \"" STR_FMT "\"", STR_ARG(word));
    if (n == 0)
        return setting_error(s, 1, "0 worker_connections are not enough for any listening socket");
    *(unsigned *)s->field = (unsigned)n;
    return true;
}

static bool
ignore(struct setting *s)
{
    return true;
}

static const struct directive directives[] = {
    { "worker_processes", PLACE(struct process_settings, worker_processes), IN_MAIN, .initial = "1",
      .syntax = "number | auto", .set = set_worker_processes,
      .help = "Event-loop threads of the worker process. auto takes as many as there are "
              "processors that the process may use, its control group's quota included.",
      .differs = "they are threads of one process; auto looks at the quota." },
    { "daemon", FIELD(struct process_settings, daemon), IN_MAIN, .initial = "on",
      .help = "Whether usher leaves the terminal. The command returns when every socket listens." },
    { "master_process", FIELD(struct process_settings, master_process), IN_MAIN, .initial = "on",
      .help = "Whether a supervisor process holds the sockets and restarts a worker that dies. off "
              "runs everything in one process." },
    { "pid", FIELD(struct process_settings, pid), IN_MAIN, .syntax = "file", .unset = PID_PATH,
      .help =
          "File with the process ID of the supervisor. It is written when every socket listens.",
      .example = "pid /run/usher.pid;" },
    { "user", PLACE(struct process_settings, user), IN_MAIN, .syntax = "user [group]",
      .unset = USER_NAME " " GROUP_NAME, .args_min = 1, .args_max = 2, .set = set_user,
      .help = "User and group that the worker process runs as. Only root may change its user.",
      .example = "user www-data;" },
    { "worker_rlimit_nofile", PLACE(struct process_settings, rlimit_nofile), IN_MAIN,
      .syntax = "number", .set = set_rlimit_nofile,
      .help = "Limit of open files of the worker process. Without it the soft limit is raised to "
              "the hard one.",
      .example = "worker_rlimit_nofile 65536;" },
    { "worker_rlimit_core", PLACE(struct process_settings, rlimit_core), IN_MAIN, .syntax = "size",
      .set = set_rlimit_core, .help = "Largest core file of the worker process.",
      .example = "worker_rlimit_core 500m;" },
    { "worker_shutdown_timeout", FIELD(struct process_settings, worker_shutdown_timeout), IN_MAIN,
      .help = "How long a graceful end may take; connections that are still open then are closed. "
              "0 means no limit.",
      .example = "worker_shutdown_timeout 30s;" },
    { "worker_cpu_affinity", PLACE(struct process_settings, affinity), IN_MAIN,
      .syntax = "auto [cpumask] | cpumask ...", .args_min = 1, .args_max = ARGS_ANY,
      .set = set_affinity,
      .help = "Binds each thread to processors: one mask a thread, or one processor a thread.",
      .example = "worker_cpu_affinity auto;" },
    { "worker_priority", PLACE(struct process_settings, priority), IN_MAIN, .initial = "0",
      .syntax = "number", .set = set_priority,
      .help = "Scheduling priority of the worker process, as of nice(1)." },
    { "env", PLACE(struct process_settings, environment), IN_MAIN, .syntax = "variable[=value]",
      .unset = "TZ", .flags = REPEATABLE, .set = set_env,
      .help = "Keeps or sets a variable of the worker process's environment. All others but TZ are "
              "removed.",
      .example = "env LANG;" },
    { "working_directory", FIELD(struct process_settings, working_directory), IN_MAIN,
      .syntax = "directory",
      .help = "Current directory of the worker process: where a core file goes.",
      .example = "working_directory /var/tmp;" },
    { "load_module", NO_FIELD, IN_MAIN, .syntax = "file", .flags = REPEATABLE,
      .set = set_load_module,
      .help =
          "Accepted without effect: what usher can do is built in, headers_more and geoip2 among "
          "it. Of other modules a warning says that they are not there.",
      .example = "load_module modules/ngx_http_geoip2_module.so;" },
    { "timer_resolution", FIELD(struct process_settings, timer_resolution), IN_MAIN,
      .flags = IGNORED, .help = "Accepted without effect: the clock is read once a loop turn.",
      .example = "timer_resolution 100ms;" },
    { "pcre_jit", FIELD(struct process_settings, pcre_jit), IN_MAIN, .initial = "off",
      .flags = IGNORED,
      .help = "Accepted without effect: regular expressions are always compiled to machine code." },
    { "lock_file", FIELD(struct process_settings, lock_file), IN_MAIN, .flags = IGNORED,
      .syntax = "file", .help = "Accepted without effect: no lock is taken to accept connections.",
      .example = "lock_file logs/usher.lock;" },
    { "debug_points", NO_FIELD, IN_MAIN, .syntax = "abort | stop", .flags = IGNORED,
      .set = set_debug_points, .help = "Accepted without effect.",
      .example = "debug_points abort;" },
    { "ssl_engine", NO_FIELD, IN_MAIN, .syntax = "device", .flags = IGNORED, .set = ignore,
      .help = "Accepted without effect: hardware engines are not used.",
      .example = "ssl_engine rdrand;" },
    { "worker_connections", PLACE(struct process_settings, worker_connections), IN_EVENTS,
      .initial = "512", .syntax = "number", .set = set_worker_connections,
      .help = "Client connections at most in each thread. When it is reached, the connection that "
              "has been idle longest makes room.",
      .differs = "connections to servers are not counted." },
    { "use", NO_FIELD, IN_EVENTS, .syntax = "method", .flags = IGNORED, .set = set_use,
      .help = "How events are waited for; epoll is the only method there is.",
      .example = "use epoll;" },
    { "multi_accept", FIELD(struct process_settings, multi_accept), IN_EVENTS, .initial = "off",
      .flags = IGNORED, .help = "Accepted without effect: each thread accepts what is waiting." },
    { "accept_mutex", FIELD(struct process_settings, accept_mutex), IN_EVENTS, .initial = "off",
      .flags = IGNORED, .help = "Accepted without effect: each thread has a socket of its own." },
    { "accept_mutex_delay", FIELD(struct process_settings, accept_mutex_delay), IN_EVENTS,
      .initial = "500ms", .flags = IGNORED, .help = "Accepted without effect." },
    { "worker_aio_requests", FIELD(struct process_settings, worker_aio_requests), IN_EVENTS,
      .initial = "32", .flags = IGNORED, .help = "Accepted without effect." },
    { "debug_connection", NO_FIELD, IN_EVENTS,
      .syntax = "address | CIDR | unix:", .flags = IGNORED | REPEATABLE, .set = ignore,
      .help = "Accepted without effect.", .example = "debug_connection 127.0.0.1;" },
    { 0 },
};

/* The events block is a scope of its own; what it says of connections belongs to the program. */
static bool
complete(struct scope *scope, void *settings)
{
    struct process_settings *my = settings;
    if (scope->context == IN_EVENTS) {
        struct process_settings *top = scope_settings_own(scope->parent, &process_directives);
        top->worker_connections = my->worker_connections;
    }
    return true;
}

const struct directive_set process_directives = {
    .name = "process",
    .settings_size = sizeof(struct process_settings),
    .directives = directives,
    .complete = complete,
};

const struct process_settings *
process_settings_of(const struct snapshot *s)
{
    for (unsigned i = 0; i < s->compile.n_sets; i++)
        if (s->compile.sets[i] == &process_directives)
            return s->main_settings[i];
    return NULL;
}

unsigned
process_threads(const struct process_settings *p)
{
    unsigned n = p->worker_processes ? p->worker_processes : cpus_usable();
    return n < THREADS_MAX ? n : THREADS_MAX;
}

static bool
environment_equal(const struct environment *a, const struct environment *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (!str_eq(a->name, b->name) || !str_eq(a->value, b->value))
            return false;
    return a == b;
}

static bool
limit_equal(struct limit a, struct limit b)
{
    return a.given == b.given && a.value == b.value;
}

bool
process_settings_need_new_worker(const struct process_settings *a, const struct process_settings *b)
{
    return process_threads(a) != process_threads(b) || !str_eq(a->user, b->user) ||
           a->uid != b->uid || a->gid != b->gid ||
           !limit_equal(a->rlimit_nofile, b->rlimit_nofile) ||
           !limit_equal(a->rlimit_core, b->rlimit_core) || a->priority != b->priority ||
           !str_eq(a->working_directory, b->working_directory) ||
           !affinity_equal(&a->affinity, &b->affinity) ||
           !environment_equal(a->environment, b->environment);
}
