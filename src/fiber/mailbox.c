/* Posting to, and emptying, a mailbox. */
#include "fiber/mailbox.h"

#include "base/list.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void
append(struct mails *to, struct mail mail)
{
    if (to->n == to->cap) {
        to->cap = to->cap ? to->cap * 2 : 16;
        to->items = realloc(to->items, to->cap * sizeof *to->items);
        must(to->items != NULL);
    }
    to->items[to->n++] = mail;
}

bool
mailbox_post(struct mailbox *m, struct mail mail)
{
    pthread_mutex_lock(&m->lock);
    bool taken = m->open;
    if (taken) {
        append(&m->in, mail);
        if (m->in.n == 1)
            (void)eventfd_write(m->watch.fd, 1);
    }
    pthread_mutex_unlock(&m->lock);
    return taken;
}

/* Mail may come while mail runs: it is left to the next turn, for which the eventfd is raised. */
static void
run_all(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    struct mails full = m->in;
    m->in = m->spare;
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; i < full.n; i++)
        full.items[i].fn(full.items[i].arg);
    full.n = 0;
    m->spare = full;
}

static void
on_mail(struct watch *w, unsigned bits)
{
    eventfd_t count;
    (void)eventfd_read(w->fd, &count);
    w->ready &= ~(unsigned)WATCH_READ;
    run_all(container_of(w, struct mailbox, watch));
}

int
mailbox_open(struct mailbox *m)
{
    *m = (struct mailbox){ .lock = PTHREAD_MUTEX_INITIALIZER, .open = true };
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = watch_open(&m->watch, fd, WATCH_WRITE);
    m->watch.on_event = on_mail;
    if (rc < 0)
        close(fd);
    return rc;
}

void
mailbox_close(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    m->open = false;
    pthread_mutex_unlock(&m->lock);
    int fd = m->watch.fd;
    watch_close(&m->watch);
    close(fd);
    run_all(m);
    free(m->in.items);
    free(m->spare.items);
    m->in = m->spare = (struct mails){ 0 };
}
