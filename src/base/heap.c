/* A binary heap in one array; a node carries its index. */
#include "base/heap.h"

#include "base/must.h"

#include <stdlib.h>

void
heap_init(struct heap *h)
{
    *h = (struct heap){ 0 };
}

void
heap_fini(struct heap *h)
{
    free(h->nodes);
    *h = (struct heap){ 0 };
}

static void
set(struct heap *h, size_t i, struct heap_node *node)
{
    h->nodes[i] = node;
    node->place = i + 1;
}

static void
rise(struct heap *h, size_t i, struct heap_node *node)
{
    while (i > 0 && h->nodes[(i - 1) / 2]->at > node->at) {
        set(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    set(h, i, node);
}

static void
sink(struct heap *h, size_t i, struct heap_node *node)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->n)
            break;
        if (child + 1 < h->n && h->nodes[child + 1]->at < h->nodes[child]->at)
            child++;
        if (h->nodes[child]->at >= node->at)
            break;
        set(h, i, h->nodes[child]);
        i = child;
    }
    set(h, i, node);
}

void
heap_add(struct heap *h, struct heap_node *node, uint64_t at)
{
    must(node->place == 0);
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->nodes = realloc(h->nodes, h->cap * sizeof(struct heap_node *));
        must(h->nodes != NULL);
    }
    node->at = at;
    h->n++;
    rise(h, h->n - 1, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
    must(node->place > 0 && h->nodes[node->place - 1] == node);
    size_t i = node->place - 1;
    struct heap_node *last = h->nodes[--h->n];
    node->place = 0;
    if (last == node)
        return;
    set(h, i, last);
    if (i > 0 && h->nodes[(i - 1) / 2]->at > last->at)
        rise(h, i, last);
    else
        sink(h, i, last);
}

void
heap_move(struct heap *h, struct heap_node *node, uint64_t at)
{
    heap_remove(h, node);
    heap_add(h, node, at);
}
