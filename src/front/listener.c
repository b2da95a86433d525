/* Accepting: until there is no more, within the limits of connections and descriptors. */
#include "front/listener.h"

#include "base/must.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { RETRY_MS = 500, SAY_EVERY_MS = 1000 };

/* An overload lasts while clients come and go: one line a second tells it. */
static bool
is_news(struct front_thread *f)
{
    uint64_t now = clock_ms();
    if (f->told_ms && now - f->told_ms < SAY_EVERY_MS)
        return false;
    f->told_ms = now;
    return true;
}

static void
pause_accepting(struct front_thread *f)
{
    f->paused = true;
    timer_set(&f->resume, clock_in(RETRY_MS));
}

/* Out of descriptors or memory: the longest idle connection goes first, else accepting pauses; so
 * it does after what we know nothing about, lest it comes again at once and for ever. */
static void
accept_failed(struct front_thread *f, int error)
{
    bool exhausted = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    if (is_news(f))
        log_write_errno(error_log_global(), exhausted ? LEVEL_CRIT : LEVEL_ALERT, 0, error,
                        "accept4() failed");
    if (!exhausted || !front_evict_idle(f))
        pause_accepting(f);
}

static bool
somebody_waits(int fd)
{
    struct pollfd queue = { .fd = fd, .events = POLLIN };
    return poll(&queue, 1, 0) == 1;
}

/* Those with an exchange, be it still on its way, have or will want one more: their backend's. */
static bool
has_descriptors(const struct front_thread *f)
{
    return 2 * (uint64_t)f->n_connections < (uint64_t)f->descriptors + f->n_kept;
}

static bool
is_full(const struct front_thread *f)
{
    return f->n_connections > 0 && (f->n_connections >= f->limit || !has_descriptors(f));
}

static void
tell_full(struct front_thread *f)
{
    if (!is_news(f))
        return;
    if (f->n_connections < f->limit)
        log_write(error_log_global(), LEVEL_ALERT, 0, "%u open files are not enough",
                  f->descriptors);
    else
        log_write(error_log_global(), LEVEL_ALERT, 0, "%u worker_connections are not enough",
                  f->limit);
}

/* Nobody has to go before another one has really come. */
static bool
has_room(struct front_thread *f, int fd)
{
    if (!is_full(f))
        return true;
    if (!somebody_waits(fd))
        return false;
    while (is_full(f) && front_evict_idle(f))
        continue;
    if (!is_full(f))
        return true;
    tell_full(f);
    pause_accepting(f);
    return false;
}

static void
accept_all(struct watch *w, unsigned bits)
{
    struct listener *l = (struct listener *)w;
    struct front_thread *f = front_self();
    while (!l->closed && !f->paused && has_room(f, w->fd)) {
        struct address peer = { .size = sizeof peer - offsetof(struct address, any) };
        int fd = accept4(w->fd, &peer.any, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            connection_open(l, fd, &peer);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED)
            accept_failed(f, errno);
    }
}

void
listeners_retry(struct front_thread *f)
{
    for (struct list *i = f->listeners.next, *next = i->next; i != &f->listeners;
         i = next, next = i->next)
        accept_all(&container_of(i, struct listener, link)->watch, WATCH_READ);
}

int
front_listen(struct str address_text, int fd)
{
    struct front_thread *f = front_self();
    struct listener *l = calloc(1, sizeof *l);
    must(l != NULL);
    l->text = (struct str){ strndup(address_text.p, address_text.n), address_text.n };
    must(address_parse(l->text, 80, &l->address));
    int r = watch_open(&l->watch, fd, 0);
    if (r < 0) {
        close(fd);
        free((char *)l->text.p);
        free(l);
        return r;
    }
    l->watch.on_event = accept_all;
    list_push_back(&f->listeners, &l->link);
    return 0;
}

static void
free_if_unused(struct listener *l)
{
    if (!l->closed || l->connections > 0)
        return;
    free((char *)l->text.p);
    free(l);
}

static void
shut(struct listener *l)
{
    int fd = l->watch.fd;
    watch_close(&l->watch);
    close(fd);
    list_remove(&l->link);
    l->closed = true;
    free_if_unused(l);
}

void
listener_release(struct listener *l)
{
    l->connections--;
    free_if_unused(l);
}

void
listeners_close(struct front_thread *f)
{
    while (!list_empty(&f->listeners))
        shut(container_of(f->listeners.next, struct listener, link));
}

/* Idle connections of an address that is no longer served end; the others at the end of their
 * exchange. */
static void
close_idle_of(struct front_thread *f, struct listener *l)
{
    for (struct list *i = f->idle.next, *next = i->next; i != &f->idle; i = next, next = i->next) {
        struct connection *c = container_of(i, struct connection, link);
        if (c->listener == l)
            c->protocol->close(c);
    }
}

void
front_unlisten(struct str address_text)
{
    struct front_thread *f = front_self();
    for (struct list *i = f->listeners.next; i != &f->listeners; i = i->next) {
        struct listener *l = container_of(i, struct listener, link);
        if (!str_eq(l->text, address_text))
            continue;
        l->connections++; /* ours, while the idle ones go */
        shut(l);
        close_idle_of(f, l);
        listener_release(l);
        return;
    }
}

const struct listen_address *
listener_listen(struct listener *l)
{
    struct snapshot *now = snapshot_current();
    if (l->snapshot != now || l->generation != now->generation) {
        l->snapshot = now;
        l->generation = now->generation;
        l->listen = snapshot_listen(now, l->text);
    }
    return l->listen;
}
