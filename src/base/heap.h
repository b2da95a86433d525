/* struct heap: an intrusive binary heap of moments, earliest first. Serves the loop's timers.
 *
 * A node is embedded in its owner and knows its own place, so removal is O(log n). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint64_t at;  /* the key; change it only through heap_move */
    size_t place; /* 1-based index, 0 when not in a heap */
};

struct heap {
    struct heap_node **nodes; /* owned; malloc */
    size_t n, cap;
};

void heap_init(struct heap *h);
void heap_fini(struct heap *h);
void heap_add(struct heap *h, struct heap_node *node, uint64_t at);
void heap_remove(struct heap *h, struct heap_node *node);
void heap_move(struct heap *h, struct heap_node *node, uint64_t at);

/* The earliest, or NULL. */
static inline struct heap_node *
heap_first(const struct heap *h)
{
    return h->n ? h->nodes[0] : NULL;
}
