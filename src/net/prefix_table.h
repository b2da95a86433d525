/* What an address belongs to, among up to millions of prefixes: a table that is built once and then
 * only read, by any thread. A look-up takes three or four misses of the cache at worst, whatever
 * the prefixes are.
 *
 * Values are numbers below PREFIX_NONE. Tables are counted; the count is atomic. */
#pragma once

#include "net/prefix_bits.h"

#include <stddef.h>

enum { PREFIX_NONE = 0x7fffffff };

/* Which of several prefixes that cover an address counts. */
enum prefix_rule {
    PREFIX_LONGEST,     /* of equal ones the last that was added; PREFIX_NONE takes those back that
                           were added before it */
    PREFIX_LEAST_VALUE, /* rules in the order of a text: the first that matches */
    PREFIX_GREATEST_VALUE
};

struct prefix_builder {
    struct prefix_entry *entries;
    size_t n, cap;
};

struct prefix_table;

void prefix_builder_init(struct prefix_builder *b);
/* Only when it is not built after all. */
void prefix_builder_fini(struct prefix_builder *b);
void prefix_builder_add(struct prefix_builder *b, struct prefix_bits p, uint32_t value);
/* All addresses of one family from first to last, both whole. */
void prefix_builder_add_range(struct prefix_builder *b, struct prefix_bits first,
                              struct prefix_bits last, uint32_t value);
/* Takes the builder's entries; held once. */
struct prefix_table *prefix_table_build(struct prefix_builder *b, enum prefix_rule rule);
void prefix_table_hold(struct prefix_table *t);
/* Whether it went. */
bool prefix_table_drop(struct prefix_table *t);
/* The value for a whole address, or PREFIX_NONE. */
uint32_t prefix_table_find(const struct prefix_table *t, const struct prefix_bits *address);
/* Bytes of memory. */
size_t prefix_table_size(const struct prefix_table *t);
