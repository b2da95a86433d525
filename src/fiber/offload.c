/* The pool of off-load threads: one queue, first come, first served.
 *
 * The lock guards the queue and the pool's state. A job lies on the stack of the fiber that waits
 * for it; its end comes back as mail to that fiber's loop. */
#include "fiber/offload.h"

#include "base/list.h"
#include "base/must.h"
#include "fiber/crash.h"
#include "fiber/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct job {
    struct list link;
    offload_fn *fn;
    void *arg;
    struct loop *loop;
    struct fiber *fiber;
    bool done; /* in the loop's thread only */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list jobs;
    bool stopping;
    unsigned wanted, n;
    pthread_t *threads;
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .jobs = { &pool.jobs, &pool.jobs },
    .wanted = 4,
};

void
offload_threads_set(unsigned n)
{
    must(n > 0);
    pthread_mutex_lock(&pool.lock);
    pool.wanted = n;
    pthread_mutex_unlock(&pool.lock);
}

static void
finish(void *arg)
{
    struct job *j = arg;
    j->done = true;
    fiber_wake(j->fiber);
}

/* The next job, or NULL when the pool stops. */
static struct job *
take(void)
{
    pthread_mutex_lock(&pool.lock);
    while (list_empty(&pool.jobs) && !pool.stopping)
        pthread_cond_wait(&pool.work, &pool.lock);
    struct list *link = list_pop_front(&pool.jobs);
    pthread_mutex_unlock(&pool.lock);
    return link ? container_of(link, struct job, link) : NULL;
}

static void *
serve(void *none)
{
    struct job *j;
    crash_thread_init();
    while ((j = take()) != NULL) {
        j->fn(j->arg);
        must(loop_post(j->loop, finish, j));
    }
    crash_thread_fini();
    return NULL;
}

/* Signals are the loops' business, except those of a crash. */
static void
block_signals(sigset_t *before)
{
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
    sigset_t most;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigdelset(&most, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &most, before);
}

static void
start_threads(void)
{
    sigset_t before;
    pool.threads = calloc(pool.wanted, sizeof *pool.threads);
    must(pool.threads != NULL);
    block_signals(&before);
    while (pool.n < pool.wanted) {
        if (pthread_create(&pool.threads[pool.n], NULL, serve, NULL) != 0)
            break;
        pool.n++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    must(pool.n > 0);
}

void
offload(offload_fn *fn, void *arg)
{
    struct job j = { .fn = fn, .arg = arg, .loop = loop_self(), .fiber = fiber_self() };
    must(j.fiber != NULL);
    pthread_mutex_lock(&pool.lock);
    if (pool.n == 0)
        start_threads();
    list_push_back(&pool.jobs, &j.link);
    pthread_cond_signal(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    while (!j.done)
        fiber_park_deaf(NEVER);
}

void
offload_fini(void)
{
    pthread_mutex_lock(&pool.lock);
    must(list_empty(&pool.jobs));
    pool.stopping = true;
    pthread_cond_broadcast(&pool.work);
    pthread_mutex_unlock(&pool.lock);
    for (unsigned i = 0; i < pool.n; i++)
        pthread_join(pool.threads[i], NULL);
    free(pool.threads);
    pool.threads = NULL;
    pool.n = 0;
    pool.stopping = false;
}
