/* fiber/watch.c: edge-triggered readiness, waiting, closing. */
#include "fiber/loop.h"

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
pair(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
}

static void
send_text(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

struct peer {
    int fd;
    uint64_t after_ms;
    const char *text; /* NULL: shut down writing */
};

static void
act_later(void *arg)
{
    struct peer *p = arg;
    assert_int_equal(fiber_sleep(p->after_ms), 0);
    if (p->text)
        send_text(p->fd, p->text);
    else
        shutdown(p->fd, SHUT_WR);
}

static void
main_of_reading(void *arg)
{
    int fd[2];
    char bytes[16];
    struct watch w;
    pair(fd);
    assert_int_equal(watch_open(&w, fd[0], WATCH_WRITE), 0);
    assert_int_equal(watch_wait(&w, WATCH_WRITE, NEVER), 0);
    assert_int_equal(watch_wait(&w, WATCH_READ, clock_in(3)), -ETIMEDOUT);
    fiber_spawn(act_later, &(struct peer){ fd[1], 5, "hello" });
    assert_int_equal(watch_wait(&w, WATCH_READ, clock_in(5000)), 0);
    assert_int_equal(read(fd[0], bytes, 2), 2);
    assert_int_equal(watch_wait(&w, WATCH_READ, NEVER), 0);
    assert_int_equal(read(fd[0], bytes, sizeof bytes), 3);
    w.ready &= ~(unsigned)WATCH_READ;
    assert_int_equal(watch_wait(&w, WATCH_READ, clock_in(3)), -ETIMEDOUT);
    send_text(fd[1], "again");
    assert_int_equal(watch_wait(&w, WATCH_READ | WATCH_WRITE, clock_in(5000)), 0);
    assert_int_equal(watch_wait(&w, WATCH_READ, clock_in(5000)), 0);
    watch_close(&w);
    assert_int_equal(watch_wait(&w, WATCH_READ, NEVER), -EBADF);
    watch_close(&w);
    close(fd[0]);
    close(fd[1]);
}

static void
readiness_is_kept_until_the_reader_clears_it(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_reading, NULL), 0);
}

static void
fill(struct watch *w)
{
    static char zeros[4096];
    ssize_t n;
    do
        n = write(w->fd, zeros, sizeof zeros);
    while (n > 0);
    assert_int_equal(errno, EAGAIN);
    w->ready &= ~(unsigned)WATCH_WRITE;
}

static void
drain_later(void *arg)
{
    static char bytes[1 << 20];
    assert_int_equal(fiber_sleep(5), 0);
    assert_true(read(*(int *)arg, bytes, sizeof bytes) > 0);
}

static void
main_of_half_close(void *arg)
{
    int fd[2];
    struct watch w;
    pair(fd);
    assert_int_equal(watch_open(&w, fd[0], WATCH_WRITE), 0);
    fill(&w);
    fiber_spawn(act_later, &(struct peer){ fd[1], 2, NULL });
    assert_int_equal(watch_wait(&w, WATCH_READ, clock_in(5000)), 0);
    assert_true(w.ready & WATCH_HANGUP);
    w.ready &= ~(unsigned)WATCH_READ;
    assert_int_equal(watch_wait(&w, WATCH_READ, clock_in(5000)), 0);
    fill(&w);
    assert_int_equal(watch_wait(&w, WATCH_WRITE, clock_in(3)), -ETIMEDOUT);
    fiber_spawn(drain_later, &fd[1]);
    assert_int_equal(watch_wait(&w, WATCH_WRITE, clock_in(5000)), 0);
    fill(&w);
    close(fd[1]);
    assert_int_equal(watch_wait(&w, WATCH_WRITE, clock_in(5000)), 0);
    watch_close(&w);
    close(fd[0]);
}

static void
a_half_closed_peer_is_ready_to_read_and_not_to_write(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_half_close, NULL), 0);
}

static void
main_of_pipe(void *arg)
{
    int fd[2];
    struct watch in, out;
    assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
    assert_int_equal(watch_open(&in, fd[0], 0), 0);
    assert_int_equal(watch_open(&out, fd[1], 0), 0);
    assert_int_equal(watch_wait(&out, WATCH_WRITE, clock_in(5000)), 0);
    send_text(fd[1], "x");
    assert_int_equal(watch_wait(&in, WATCH_READ, clock_in(5000)), 0);
    fill(&out);
    watch_close(&in);
    close(fd[0]);
    assert_int_equal(watch_wait(&out, WATCH_WRITE, clock_in(5000)), 0);
    assert_true(out.ready & WATCH_ERROR);
    watch_close(&out);
    close(fd[1]);
    int file = open("/proc/self/stat", O_RDONLY);
    int rc = watch_open(&in, file, 0);
    assert_true(rc == 0 || rc == -EPERM);
    watch_close(&in);
    close(file);
}

static void
a_pipe_without_reader_wakes_its_writer(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_pipe, NULL), 0);
}

/* --- Closing while somebody waits --- */

struct wait {
    struct watch *watch;
    uint64_t deadline;
    int rc;
};

static void
wait_readable(void *arg)
{
    struct wait *w = arg;
    w->rc = watch_wait(w->watch, WATCH_READ, w->deadline);
}

static void
main_of_closing(void *arg)
{
    int fd[2];
    pair(fd);
    struct watch *w = malloc(sizeof *w);
    assert_int_equal(watch_open(w, fd[0], WATCH_WRITE), 0);
    struct wait wait = { w, NEVER, 1 };
    struct child c;
    child_start(&c, wait_readable, &wait);
    assert_int_equal(fiber_yield(), 0);
    watch_close(w);
    free(w);
    child_join(&c);
    assert_int_equal(wait.rc, -EBADF);
    close(fd[0]);
    close(fd[1]);
}

static void
closing_a_watch_wakes_its_waiter_which_leaves_it_alone(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_closing, NULL), 0);
}

static void
main_of_cancelled_wait(void *arg)
{
    int fd[2];
    pair(fd);
    struct watch w;
    assert_int_equal(watch_open(&w, fd[0], WATCH_WRITE), 0);
    struct wait wait = { &w, NEVER, 1 };
    struct child c;
    child_start(&c, wait_readable, &wait);
    assert_int_equal(fiber_yield(), 0);
    child_cancel(&c);
    child_join(&c);
    assert_int_equal(wait.rc, -ECANCELED);
    assert_null(w.reader);
    watch_close(&w);
    close(fd[0]);
    close(fd[1]);
}

static void
a_cancelled_waiter_frees_its_place(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_cancelled_wait, NULL), 0);
}

/* --- Callbacks --- */

struct twins {
    struct watch a, b;
    int fd_a[2], fd_b[2];
    int events;
    bool reopen;
};

static struct twins *twins;

/* Each closes the other one, and may put another descriptor with the same number in its place. */
static void
close_the_other(struct watch *w, unsigned bits)
{
    if (!(bits & WATCH_READ))
        return;
    twins->events++;
    struct watch *other = w == &twins->a ? &twins->b : &twins->a;
    int fd = other->fd;
    watch_close(other);
    close(fd);
    if (!twins->reopen)
        return;
    int fresh[2];
    pair(fresh);
    assert_true(fresh[0] == fd || fresh[1] == fd);
    assert_int_equal(watch_open(other, fresh[0], WATCH_WRITE), 0);
    other->on_event = close_the_other;
    close(fresh[1]);
}

static void
main_of_stale(void *arg)
{
    struct twins t = { .reopen = *(bool *)arg };
    twins = &t;
    pair(t.fd_a);
    pair(t.fd_b);
    assert_int_equal(watch_open(&t.a, t.fd_a[0], WATCH_WRITE), 0);
    assert_int_equal(watch_open(&t.b, t.fd_b[0], WATCH_WRITE), 0);
    t.a.on_event = t.b.on_event = close_the_other;
    send_text(t.fd_a[1], "x");
    send_text(t.fd_b[1], "x");
    t.events = 0;
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(t.events, 1);
    t.a.on_event = t.b.on_event = NULL;
    int left[] = { t.a.fd, t.b.fd, t.fd_a[1], t.fd_b[1] };
    watch_close(&t.a);
    watch_close(&t.b);
    for (int i = 0; i < 4; i++)
        if (left[i] >= 0)
            close(left[i]);
}

static void
stale_events_of_a_closed_watch_are_dropped(void **state)
{
    bool reopen = false;
    assert_int_equal(loop_run_fiber(main_of_stale, &reopen), 0);
    reopen = true;
    assert_int_equal(loop_run_fiber(main_of_stale, &reopen), 0);
}

static unsigned seen;
static int calls;

static void
remember(struct watch *w, unsigned bits)
{
    assert_null(fiber_self());
    seen |= bits;
    calls++;
}

static void
main_of_unclaimed(void *arg)
{
    int fd[2];
    pair(fd);
    struct watch w;
    assert_int_equal(watch_open(&w, fd[0], WATCH_WRITE), 0);
    w.on_event = remember;
    seen = 0;
    calls = 0;
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(calls, 0);
    send_text(fd[1], "x");
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(seen, WATCH_READ);
    send_text(fd[1], "y");
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(calls, 2);
    struct wait wait = { &w, NEVER, 1 };
    struct child c;
    w.ready &= ~(unsigned)WATCH_READ;
    child_start(&c, wait_readable, &wait);
    assert_int_equal(fiber_yield(), 0);
    shutdown(fd[1], SHUT_WR);
    child_join(&c);
    assert_int_equal(wait.rc, 0);
    assert_int_equal(calls, 2);
    close(fd[1]);
    watch_close(&w);
    close(fd[0]);
}

static void
the_callback_gets_what_no_fiber_waits_for(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_unclaimed, NULL), 0);
}

/* --- Many at once --- */

#define PAIRS 100

static int echoed;

static ssize_t
read_some(struct watch *w, char *bytes, size_t n)
{
    for (;;) {
        int rc = watch_wait(w, WATCH_READ, NEVER);
        if (rc < 0)
            return rc;
        ssize_t got = read(w->fd, bytes, n);
        if (got >= 0)
            return got;
        if (errno == ECONNRESET)
            return -ECONNRESET;
        assert_int_equal(errno, EAGAIN);
        w->ready &= ~(unsigned)WATCH_READ;
    }
}

static int
write_all(struct watch *w, const char *bytes, size_t n)
{
    while (n > 0) {
        int rc = watch_wait(w, WATCH_WRITE, NEVER);
        if (rc < 0)
            return rc;
        ssize_t sent = write(w->fd, bytes, n);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return -errno;
        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            w->ready &= ~(unsigned)WATCH_WRITE;
            continue;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static void
echo(void *arg)
{
    struct watch *w = malloc(sizeof *w);
    int fd = (int)(intptr_t)arg;
    char bytes[5000];
    ssize_t n;
    assert_int_equal(watch_open(w, fd, WATCH_WRITE), 0);
    while ((n = read_some(w, bytes, sizeof bytes)) > 0)
        if (write_all(w, bytes, (size_t)n) < 0)
            break;
    watch_close(w);
    close(fd);
    free(w);
}

static void
talk(void *arg)
{
    static const char words[3000];
    struct watch w;
    int fd[2];
    pair(fd);
    assert_int_equal(watch_open(&w, fd[0], WATCH_WRITE), 0);
    fiber_spawn(echo, (void *)(intptr_t)fd[1]);
    for (int i = 0; i < 50; i++) {
        char bytes[3000];
        size_t got = 0;
        if (write_all(&w, words, sizeof words) < 0)
            break;
        ssize_t n = 1;
        while (got < sizeof words && (n = read_some(&w, bytes, sizeof bytes)) > 0)
            got += (size_t)n;
        if (n <= 0)
            break;
        echoed++;
    }
    watch_close(&w);
    close(fd[0]);
}

/* Descriptors close and their numbers come back in the midst of the traffic. */
static void
main_of_traffic(void *arg)
{
    struct child c[PAIRS];
    echoed = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < PAIRS; i++)
            child_start(&c[i], talk, NULL);
        assert_int_equal(fiber_sleep(1), 0);
        for (int i = 0; i < PAIRS; i += 3)
            child_cancel(&c[i]);
        for (int i = 0; i < PAIRS; i++)
            child_join(&c[i]);
    }
    assert_in_range(echoed, 5 * 66 * 50, 5 * 100 * 50);
}

static void
a_hundred_conversations_survive_the_end_of_others(void **state)
{
    assert_int_equal(loop_run_fiber(main_of_traffic, NULL), 0);
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_is_kept_until_the_reader_clears_it),
        cmocka_unit_test(a_half_closed_peer_is_ready_to_read_and_not_to_write),
        cmocka_unit_test(a_pipe_without_reader_wakes_its_writer),
        cmocka_unit_test(closing_a_watch_wakes_its_waiter_which_leaves_it_alone),
        cmocka_unit_test(a_cancelled_waiter_frees_its_place),
        cmocka_unit_test(stale_events_of_a_closed_watch_are_dropped),
        cmocka_unit_test(the_callback_gets_what_no_fiber_waits_for),
        cmocka_unit_test(a_hundred_conversations_survive_the_end_of_others),
    };
    return cmocka_run_group_tests_name("fiber/watch", tests, NULL, NULL);
}
