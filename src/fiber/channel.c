/* The channel: a ring of items, and the two queues of those who wait for room or for items.
 *
 * An item goes straight to a waiting reader, and a waiting writer's item into the room that a
 * reader makes: a woken fiber finds its business done and touches the channel no more. */
#include "base/must.h"
#include "fiber/sync.h"
#include "fiber/waiter.h"

#include <errno.h>
#include <stdlib.h>

struct channel {
    struct list readers, writers;
    size_t capacity, first, n;
    bool closed;
    void *items[];
};

struct channel *
channel_open(size_t capacity)
{
    must(capacity > 0);
    struct channel *ch = calloc(1, sizeof *ch + capacity * sizeof(void *));
    must(ch != NULL);
    list_init(&ch->readers);
    list_init(&ch->writers);
    ch->capacity = capacity;
    return ch;
}

void
channel_close(struct channel *ch)
{
    ch->closed = true;
    while (waiter_release(&ch->readers, -EPIPE) != NULL)
        ;
    while (waiter_release(&ch->writers, -EPIPE) != NULL)
        ;
}

void
channel_drop(struct channel *ch)
{
    channel_close(ch);
    free(ch);
}

static void
push(struct channel *ch, void *item)
{
    ch->items[(ch->first + ch->n) % ch->capacity] = item;
    ch->n++;
}

static void *
pop(struct channel *ch)
{
    void *item = ch->items[ch->first];
    ch->first = (ch->first + 1) % ch->capacity;
    ch->n--;
    return item;
}

int
channel_send(struct channel *ch, void *item, uint64_t deadline)
{
    if (fiber_cancelled())
        return -ECANCELED;
    if (ch->closed)
        return -EPIPE;
    struct waiter *reader = waiter_release(&ch->readers, 0);
    if (reader != NULL) {
        reader->item = item;
        return 0;
    }
    if (ch->n < ch->capacity) {
        push(ch, item);
        return 0;
    }
    struct waiter w = { .item = item };
    return waiter_park(&w, &ch->writers, deadline);
}

int
channel_receive(struct channel *ch, void **item, uint64_t deadline)
{
    if (fiber_cancelled())
        return -ECANCELED;
    if (ch->n > 0) {
        *item = pop(ch);
        struct waiter *writer = waiter_release(&ch->writers, 0);
        if (writer != NULL)
            push(ch, writer->item);
        return 0;
    }
    if (ch->closed)
        return -EPIPE;
    struct waiter w = { 0 };
    int rc = waiter_park(&w, &ch->readers, deadline);
    if (rc == 0)
        *item = w.item;
    return rc;
}
