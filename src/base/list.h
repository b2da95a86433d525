/* struct list: an intrusive doubly-linked ring. The head is a link too; an unlinked link is zero.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define container_of(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void
list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool
list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool
list_linked(const struct list *link)
{
    return link->next != NULL;
}

static inline void
list_insert_after(struct list *place, struct list *link)
{
    link->next = place->next;
    link->prev = place;
    place->next->prev = link;
    place->next = link;
}

static inline void
list_push_front(struct list *head, struct list *link)
{
    list_insert_after(head, link);
}

static inline void
list_push_back(struct list *head, struct list *link)
{
    list_insert_after(head->prev, link);
}

static inline void
list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* The first link, unlinked; NULL when empty. */
static inline struct list *
list_pop_front(struct list *head)
{
    struct list *first = head->next;
    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

/* All links of `from`, in their order, to the back of `to`. */
static inline void
list_move_back(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}
