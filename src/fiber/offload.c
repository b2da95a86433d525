/* The pools of off-load threads: one queue each, first come, first served.
 *
 * A pool's lock guards its queue and its state. A job lies on the stack of the fiber that waits
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

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list jobs;
    bool stopping;
    unsigned wanted, n;
    unsigned queued, idle; /* jobs, threads */
    pthread_t *threads;
};

#define POOL(name, wanted_)                                                  \
    {                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, \
        .jobs = { &(name).jobs, &(name).jobs }, .wanted = (wanted_)          \
    }

static struct pool computing = POOL(computing, 4), waiting = POOL(waiting, 32);

void
offload_threads_set(unsigned n)
{
    must(n > 0);
    pthread_mutex_lock(&computing.lock);
    computing.wanted = n;
    pthread_mutex_unlock(&computing.lock);
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
take(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->idle++;
    while (list_empty(&p->jobs) && !p->stopping)
        pthread_cond_wait(&p->work, &p->lock);
    p->idle--;
    struct list *link = list_pop_front(&p->jobs);
    p->queued -= link != NULL;
    pthread_mutex_unlock(&p->lock);
    return link ? container_of(link, struct job, link) : NULL;
}

static void *
serve(void *pool)
{
    struct job *j;
    crash_thread_init();
    while ((j = take(pool)) != NULL) {
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

/* Under the lock. Where none can be had, those that are there must do. */
static void
start_thread(struct pool *p)
{
    sigset_t before;
    if (p->threads == NULL)
        p->threads = calloc(p->wanted, sizeof *p->threads);
    must(p->threads != NULL);
    block_signals(&before);
    p->n += pthread_create(&p->threads[p->n], NULL, serve, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    must(p->n > 0);
}

static void
run(struct pool *p, offload_fn *fn, void *arg)
{
    struct job j = { .fn = fn, .arg = arg, .loop = loop_self(), .fiber = fiber_self() };
    must(j.fiber != NULL);
    pthread_mutex_lock(&p->lock);
    list_push_back(&p->jobs, &j.link);
    if (++p->queued > p->idle && p->n < p->wanted)
        start_thread(p);
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    while (!j.done)
        fiber_park_deaf(NEVER);
}

void
offload(offload_fn *fn, void *arg)
{
    run(&computing, fn, arg);
}

void
offload_waiting(offload_fn *fn, void *arg)
{
    run(&waiting, fn, arg);
}

static void
stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    must(list_empty(&p->jobs));
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n; i++)
        pthread_join(p->threads[i], NULL);
    free(p->threads);
    p->threads = NULL;
    p->n = 0;
    p->stopping = false;
}

void
offload_fini(void)
{
    stop(&computing);
    stop(&waiting);
}
