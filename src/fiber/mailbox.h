/* A mailbox: work that other threads hand to one thread's loop, announced by an eventfd.
 *
 * The lock is held for an append or a swap, never while mail runs. The struct outlives its thread:
 * a late sender finds it closed, not freed. */
#pragma once

#include "fiber/loop.h"

#include <pthread.h>

struct mail {
    mail_fn *fn;
    void *arg;
};

struct mails {
    struct mail *items;
    size_t n, cap;
};

struct mailbox {
    pthread_mutex_t lock;
    bool open;          /* under the lock, as is `in` */
    struct mails in;    /* the eventfd is raised while it holds any */
    struct mails spare; /* the loop's: emptied, for the next swap */
    struct watch watch; /* of the eventfd */
};

/* In the loop's thread; 0 or -errno. */
int mailbox_open(struct mailbox *m);
/* Closes the door, then runs what had been accepted. */
void mailbox_close(struct mailbox *m);
/* From any thread; false when closed. */
bool mailbox_post(struct mailbox *m, struct mail mail);
