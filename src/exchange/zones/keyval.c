/* A table, its lock, its state file. A process that was forked (a worker, be it the second after
 * the first has died) reads the file anew, as its parent's table is that of the last reload. */
#include "exchange/zones/keyval.h"

#include "base/must.h"
#include "exchange/zones/keyval_state.h"
#include "fiber/offload.h"
#include "observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct keyval {
    pthread_rwlock_t lock; /* of the table */
    struct keyval_table table;
    uint64_t timeout_ms;
    char *path; /* NULL: no state file */
    _Atomic unsigned forks;
    _Atomic bool saving, changed;
};

static _Atomic unsigned forks; /* between the first process and this one */

static void
count_fork(void)
{
    forks++;
}

static void
watch_forks(void)
{
    must(pthread_atfork(NULL, NULL, count_fork) == 0);
}

static uint64_t
wall_ms(void)
{
    return clock_wall_us() / 1000;
}

static uint64_t
expiry(const struct keyval *k, uint64_t timeout_ms)
{
    uint64_t timeout = timeout_ms ? timeout_ms : k->timeout_ms;
    return timeout ? wall_ms() + timeout : 0;
}

static void
close_state(void *state)
{
    struct keyval *k = state;
    keyval_table_fini(&k->table);
    pthread_rwlock_destroy(&k->lock);
    free(k->path);
    free(k);
}

static void *
open_state(const struct zone *z)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct keyval_plan *plan = z->own;
    struct keyval_problem problem;
    struct keyval *k = calloc(1, sizeof *k);
    must(k != NULL && pthread_rwlock_init(&k->lock, NULL) == 0);
    pthread_once(&once, watch_forks);
    k->forks = forks;
    k->timeout_ms = plan->timeout_ms;
    k->path = plan->path.p ? strdup(plan->path.p) : NULL;
    keyval_table_init(&k->table, plan->type, z->size);
    bool good = plan->text.p == NULL ||
                keyval_state_read(&k->table, plan->text, expiry(k, 0), wall_ms(), &problem);
    if (good)
        return k;
    close_state(k);
    errno = EINVAL;
    return NULL;
}

const struct zone_kind keyval_kind = { "keyval_zone", open_state, close_state };

/* --- after a fork --- */

static char *
read_whole(int fd, size_t *n)
{
    struct stat s;
    char *text = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? malloc((size_t)s.st_size + 1) : NULL;
    if (text == NULL)
        return NULL;
    for (*n = 0; *n < (size_t)s.st_size;) {
        ssize_t got = read(fd, text + *n, (size_t)s.st_size - *n);
        if (got <= 0)
            break;
        *n += (size_t)got;
    }
    return text;
}

static void
replace(struct keyval *k, struct str text)
{
    struct keyval_table fresh;
    struct keyval_problem problem;
    keyval_table_init(&fresh, k->table.type, k->table.size);
    bool good = keyval_state_read(&fresh, text, expiry(k, 0), wall_ms(), &problem);
    struct keyval_table old = good ? k->table : fresh;
    if (good)
        k->table = fresh;
    else
        log_write(error_log_global(), LEVEL_ERROR, 0, "invalid state file \"%s\": %s", k->path,
                  problem.text);
    keyval_table_fini(&old);
}

static void
read_anew(struct keyval *k)
{
    size_t n = 0;
    int fd = k->path ? open(k->path, O_RDONLY | O_CLOEXEC) : -1;
    char *text = fd >= 0 ? read_whole(fd, &n) : NULL;
    if (fd >= 0)
        close(fd);
    if (text)
        replace(k, (struct str){ text, n });
    free(text);
}

static void
lock_to_write(struct keyval *k)
{
    pthread_rwlock_wrlock(&k->lock);
    if (k->forks == forks)
        return;
    read_anew(k);
    k->forks = forks;
}

static void
lock_to_read(struct keyval *k)
{
    if (k->forks != forks) {
        lock_to_write(k);
        pthread_rwlock_unlock(&k->lock);
    }
    pthread_rwlock_rdlock(&k->lock);
}

/* --- --- */

bool
keyval_find(struct keyval *k, struct str key, struct arena *a, struct str *out)
{
    lock_to_read(k);
    struct str value = keyval_table_find(&k->table, key, wall_ms());
    *out = value.p ? arena_dup(a, value) : STR("");
    pthread_rwlock_unlock(&k->lock);
    return value.p != NULL;
}

static enum keyval_result
put(struct keyval *k, struct str key, struct str value, uint64_t timeout_ms, enum keyval_put how)
{
    lock_to_write(k);
    enum keyval_result r =
        keyval_table_put(&k->table, key, value, expiry(k, timeout_ms), how, wall_ms());
    pthread_rwlock_unlock(&k->lock);
    return r;
}

enum keyval_result
keyval_add(struct keyval *k, struct str key, struct str value, uint64_t timeout_ms)
{
    return put(k, key, value, timeout_ms, KEYVAL_PUT_NEW);
}

enum keyval_result
keyval_change(struct keyval *k, struct str key, struct str value, uint64_t timeout_ms)
{
    return put(k, key, value, timeout_ms, KEYVAL_PUT_OLD);
}

enum keyval_result
keyval_remove(struct keyval *k, struct str key)
{
    lock_to_write(k);
    enum keyval_result r = keyval_table_remove(&k->table, key, wall_ms());
    pthread_rwlock_unlock(&k->lock);
    return r;
}

void
keyval_clear(struct keyval *k)
{
    lock_to_write(k);
    keyval_table_clear(&k->table);
    pthread_rwlock_unlock(&k->lock);
}

void
keyval_each(struct keyval *k, keyval_fn *fn, void *arg)
{
    lock_to_read(k);
    keyval_table_each(&k->table, fn, arg, wall_ms());
    pthread_rwlock_unlock(&k->lock);
}

struct saving {
    struct keyval *k;
    int result;
};

static void
write_state(void *arg)
{
    struct saving *job = arg;
    struct keyval *k = job->k;
    lock_to_read(k);
    char *text = keyval_state_print(&k->table, wall_ms());
    pthread_rwlock_unlock(&k->lock);
    job->result = text ? keyval_state_write(k->path, text) : -ENOMEM;
    free(text);
}

int
keyval_save(struct keyval *k)
{
    struct saving job = { .k = k };
    k->changed = true;
    while (k->path && k->changed && !atomic_exchange(&k->saving, true)) {
        k->changed = false;
        offload_waiting(write_state, &job);
        k->saving = false;
    }
    if (job.result < 0)
        log_write_errno(error_log_global(), LEVEL_CRIT, 0, -job.result,
                        "state file \"%s\" could not be written", k->path);
    return job.result;
}
