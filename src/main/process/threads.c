/* One loop a thread. The main thread speaks to them by mail and waits for the answer, so that what
 * it does next may rely on it; no thread ever waits for it. */
#include "main/process/threads.h"

#include "base/must.h"
#include "base/thread.h"
#include "fiber/crash.h"
#include "fiber/loop.h"
#include "front/front.h"
#include "main/report.h"
#include "net/resolve.h"
#include "upstream/upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LAST_FIBERS_MS = 1000, LOOK_AGAIN_MS = 1 };

static struct worker_thread {
    pthread_t id;
    struct loop *loop;
    struct timer last_fibers;
    uint64_t patience; /* until then fibers may still unwind */
} workers[THREADS_MAX];

static unsigned files_taken; /* descriptors that the process needs for itself */
static unsigned running;     /* of the main thread: threads not yet seen to end */
static _Atomic unsigned ended;
static int ended_fd = -1;

/* --- the main thread waits for an answer of all --- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned missing;
    bool failed;
} answers = { .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER };

static void
expect_answers(unsigned n)
{
    pthread_mutex_lock(&answers.lock);
    answers.missing = n;
    answers.failed = false;
    pthread_mutex_unlock(&answers.lock);
}

static void
acknowledge(bool fine)
{
    pthread_mutex_lock(&answers.lock);
    answers.missing--;
    answers.failed |= !fine;
    pthread_cond_signal(&answers.answered);
    pthread_mutex_unlock(&answers.lock);
}

static bool
wait_for_answers(void)
{
    pthread_mutex_lock(&answers.lock);
    while (answers.missing)
        pthread_cond_wait(&answers.answered, &answers.lock);
    bool fine = !answers.failed;
    pthread_mutex_unlock(&answers.lock);
    return fine;
}

struct request_to_all {
    void (*run)(const void *arg);
    const void *arg;
};

static void
run_request(void *arg)
{
    const struct request_to_all *e = arg;
    e->run(e->arg);
    acknowledge(true);
}

/* A loop that has closed has nothing left to be told. */
static void
tell_all(void (*run)(const void *arg), const void *arg)
{
    struct request_to_all e = { run, arg };
    expect_answers(thread_count);
    for (unsigned i = 0; i < thread_count; i++)
        if (workers[i].loop == NULL || !loop_post(workers[i].loop, run_request, &e))
            acknowledge(true);
    wait_for_answers();
}

/* --- descriptors --- */

enum { FILES_A_THREAD = 8 }; /* its loop, its mailbox, questions to name servers */

/* All threads share one process's descriptors: the shell's modest limit was meant for less. */
static void
count_files(unsigned threads)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    int next = dup(STDERR_FILENO);
    files_taken = (unsigned)(next > 0 ? next : 0) + threads * FILES_A_THREAD;
    if (next >= 0)
        close(next);
}

/* A thread's share of what is left for connections. */
static unsigned
files_a_thread(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur > INT_MAX)
        return INT_MAX;
    rlim_t left = files.rlim_cur > files_taken ? files.rlim_cur - files_taken : 0;
    return (unsigned)(left / thread_count);
}

static void
set_limits(const struct process_settings *p)
{
    front_set_limits(p->worker_connections, files_a_thread());
}

static void
warn_of_files(const struct process_settings *p)
{
    unsigned most = files_a_thread();
    if (most < p->worker_connections)
        report(LEVEL_WARN, 0, "%u worker_connections exceed open file resource limit: %u",
               p->worker_connections, most);
}

/* --- a thread's life --- */

struct start {
    unsigned index;
    struct snapshot *snapshot;
    const struct sockets *sockets;
    const struct process_settings *settings;
    bool keep;
};

static bool
listen_on(struct str text, int fd)
{
    int e = fd < 0 ? -errno : front_listen(text, fd);
    if (e < 0)
        report(LEVEL_EMERG, -e, "listening on " STR_FMT " failed", STR_ARG(text));
    return e >= 0;
}

static int
duplicate(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* The thread's share: every n-th socket of an address, and a socket file that all serve together.
 */
static bool
listen_share(const struct start *s)
{
    for (const struct socket_group *h = s->sockets->first; h; h = h->next) {
        bool common = h->options.address.any.sa_family == AF_UNIX;
        for (unsigned i = common ? 0 : s->index; i < h->n; i += common ? 1 : thread_count) {
            bool copy = s->keep || (common && s->index > 0);
            if (!listen_on(h->text, copy ? duplicate(h->fds[i]) : h->fds[i]))
                return false;
        }
    }
    return true;
}

static bool
begin(const struct start *s)
{
    char name[16];
    thread_index = s->index;
    snprintf(name, sizeof name, "usher/%u", s->index);
    pthread_setname_np(pthread_self(), name);
    affinity_apply(&s->settings->affinity, s->index);
    crash_thread_init();
    int e = loop_open();
    if (e < 0) {
        report(LEVEL_EMERG, -e, "the event loop of thread %u could not start", s->index);
        return false;
    }
    workers[s->index].loop = loop_self();
    set_limits(s->settings);
    snapshot_adopt(s->snapshot);
    return listen_share(s);
}

static void
end(void)
{
    log_flush_thread();
    upstream_thread_fini();
    resolve_fini();
    loop_close();
    crash_thread_fini();
    atomic_fetch_add(&ended, 1);
    uint64_t one = 1;
    (void)!write(ended_fd, &one, sizeof one);
}

static void *
thread_main(void *arg)
{
    struct start s = *(struct start *)arg;
    free(arg);
    bool fine = begin(&s);
    acknowledge(fine);
    if (fine)
        loop_run();
    end();
    return NULL;
}

static bool
start_thread(const struct start *from)
{
    struct start *own = malloc(sizeof *own);
    must(own != NULL);
    *own = *from;
    int e = pthread_create(&workers[from->index].id, NULL, thread_main, own);
    if (e == 0)
        return true;
    free(own);
    report(LEVEL_EMERG, e, "pthread_create() failed");
    return false;
}

bool
threads_start(unsigned n, struct snapshot *s, struct sockets *h, bool keep)
{
    struct start start = {
        .snapshot = s, .sockets = h, .settings = process_settings_of(s), .keep = keep
    };
    ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_count = n;
    count_files(n);
    warn_of_files(start.settings);
    expect_answers(n);
    for (start.index = 0; start.index < n; start.index++) {
        bool started = start_thread(&start);
        running += started;
        if (!started)
            acknowledge(false);
    }
    bool fine = wait_for_answers();
    if (!keep)
        sockets_forget(h);
    return fine;
}

/* --- reload --- */

static void
change_listen(const struct change_listen *l)
{
    bool common = l->text.n >= 5 && str_starts(l->text, STR("unix:"));
    if (l->gone) {
        for (unsigned i = 0; i < l->number; i++)
            if (common || i % thread_count == thread_index)
                front_unlisten(l->text);
        return;
    }
    if (common)
        (void)listen_on(l->text, thread_index ? duplicate(l->fd) : l->fd);
    else if (l->number % thread_count == thread_index)
        (void)listen_on(l->text, l->fd);
}

static void
apply_change(const void *arg)
{
    const struct change *c = arg;
    snapshot_adopt(c->snapshot);
    set_limits(process_settings_of(c->snapshot));
    for (const struct change_listen *l = c->listens; l; l = l->next)
        change_listen(l);
}

void
threads_change(const struct change *c)
{
    tell_all(apply_change, c);
}

static void
flush(const void *arg)
{
    log_flush_thread();
}

void
threads_flush(void)
{
    tell_all(flush, NULL);
}

/* --- the end --- */

/* What is left are fibers that no connection owns (names being resolved); they unwind first. */
static void
stop_when_empty(struct timer *t)
{
    struct worker_thread *w = container_of(t, struct worker_thread, last_fibers);
    if (fiber_count() == 0 || clock_ms() >= w->patience) {
        timer_fini(t);
        loop_stop();
        return;
    }
    fiber_cancel_all();
    timer_set(t, clock_in(LOOK_AGAIN_MS));
}

static void
leave(void *arg)
{
    struct worker_thread *w = arg;
    snapshot_adopt(NULL);
    front_fini();
    w->patience = clock_in(LAST_FIBERS_MS);
    timer_init(&w->last_fibers, stop_when_empty);
    timer_set(&w->last_fibers, clock_ms());
}

/* Called from inside the front room: it returns there before anything of it is freed. */
static void
drained(void *arg)
{
    (void)loop_post(loop_self(), leave, &workers[thread_index]);
}

static void
drain(const void *arg)
{
    front_drain(drained, NULL);
}

static void
kill_all(const void *arg)
{
    front_kill();
}

void
threads_drain(void)
{
    tell_all(drain, NULL);
}

void
threads_kill(void)
{
    tell_all(kill_all, NULL);
}

int
threads_ended_fd(void)
{
    return ended_fd;
}

unsigned
threads_left(void)
{
    uint64_t count;
    (void)!read(ended_fd, &count, sizeof count);
    return running - atomic_load(&ended);
}

void
threads_join(void)
{
    for (unsigned i = 0; i < running; i++)
        pthread_join(workers[i].id, NULL);
    running = 0;
    atomic_store(&ended, 0);
}
