/* Watches: epoll, edge-triggered, one registration a descriptor for its life.
 *
 * Events carry the watch's address. Only callbacks of the delivery itself can close a watch that
 * still has an event in the batch, so that is where stale ones are struck out. */
#include "base/must.h"
#include "fiber/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 256

static __thread struct {
    int epoll;
    int n, at; /* events of the batch, and the one being delivered */
    struct epoll_event *events;
} self;

int
watches_open(void)
{
    self.n = self.at = 0;
    self.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self.epoll < 0)
        return -errno;
    self.events = calloc(BATCH, sizeof *self.events);
    must(self.events != NULL);
    return 0;
}

void
watches_close(void)
{
    close(self.epoll);
    free(self.events);
    self.events = NULL;
}

int
watch_open(struct watch *w, int fd, unsigned ready)
{
    struct epoll_event e = { EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, { .ptr = w } };
    *w = (struct watch){ .fd = fd, .ready = ready };
    if (epoll_ctl(self.epoll, EPOLL_CTL_ADD, fd, &e) == 0)
        return 0;
    w->fd = -1;
    return -errno;
}

static void
strike_out(const struct watch *w)
{
    for (int i = self.at + 1; i < self.n; i++)
        if (self.events[i].data.ptr == w)
            self.events[i].data.ptr = NULL;
}

void
watch_close(struct watch *w)
{
    if (w->fd < 0)
        return;
    (void)epoll_ctl(self.epoll, EPOLL_CTL_DEL, w->fd, NULL);
    w->fd = -1;
    strike_out(w);
    struct fiber *reader = w->reader, *writer = w->writer;
    w->reader = w->writer = NULL;
    if (reader != NULL)
        fiber_wake_with(reader, -EBADF);
    if (writer != NULL && writer != reader)
        fiber_wake_with(writer, -EBADF);
}

static bool
is_ready(const struct watch *w, unsigned bits)
{
    return (w->ready & (bits & WATCH_READ ? bits | WATCH_HANGUP : bits)) != 0;
}

static void
set_waiter(struct watch *w, unsigned bits, struct fiber *f)
{
    if (bits & WATCH_READ)
        w->reader = f;
    if (bits & WATCH_WRITE)
        w->writer = f;
}

int
watch_wait(struct watch *w, unsigned bits, uint64_t deadline)
{
    if (fiber_cancelled())
        return -ECANCELED;
    if (w->fd < 0)
        return -EBADF;
    if (is_ready(w, bits))
        return 0;
    must(!(bits & WATCH_READ && w->reader) && !(bits & WATCH_WRITE && w->writer));
    set_waiter(w, bits, fiber_self());
    int rc;
    do
        rc = fiber_park(deadline);
    while (rc == 0 && !is_ready(w, bits));
    if (rc != -EBADF)
        set_waiter(w, bits, NULL);
    return rc;
}

static unsigned
translate(uint32_t events)
{
    unsigned bits = 0;
    if (events & EPOLLIN)
        bits |= WATCH_READ;
    if (events & EPOLLOUT)
        bits |= WATCH_WRITE;
    if (events & EPOLLRDHUP)
        bits |= WATCH_READ | WATCH_HANGUP;
    if (events & EPOLLHUP)
        bits |= WATCH_READ | WATCH_WRITE | WATCH_HANGUP;
    if (events & EPOLLERR)
        bits |= WATCH_READ | WATCH_WRITE | WATCH_ERROR;
    return bits;
}

/* The kernel repeats EPOLLOUT with each EPOLLIN: being writable still is no news. */
static void
deliver(struct watch *w, unsigned came)
{
    unsigned news = came & ~(w->ready & WATCH_WRITE);
    unsigned unclaimed = news;
    w->ready |= came;
    if (w->reader != NULL && news & WATCH_READ) {
        fiber_wake(w->reader);
        unclaimed &= ~(unsigned)(WATCH_READ | WATCH_HANGUP | WATCH_ERROR);
    }
    if (w->writer != NULL && news & WATCH_WRITE) {
        fiber_wake(w->writer);
        unclaimed &= ~(unsigned)(WATCH_WRITE | WATCH_ERROR);
    }
    if (unclaimed != 0 && w->on_event != NULL)
        w->on_event(w, unclaimed);
}

void
watches_poll(int timeout_ms)
{
    int n = epoll_wait(self.epoll, self.events, BATCH, timeout_ms);
    must(n >= 0 || errno == EINTR);
    self.n = n < 0 ? 0 : n;
}

void
watches_deliver(void)
{
    for (self.at = 0; self.at < self.n; self.at++) {
        struct epoll_event *e = &self.events[self.at];
        if (e->data.ptr != NULL)
            deliver(e->data.ptr, translate(e->events));
    }
    self.n = self.at = 0;
}
