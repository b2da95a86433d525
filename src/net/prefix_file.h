/* Lists of prefixes in files: one a line, "#" begins a comment. */
#pragma once

#include "net/prefix_table.h"

/* Adds each line's prefix with that value. 0, or the number of the first line that is malformed. */
unsigned prefix_file_read(struct str text, struct prefix_builder *b, uint32_t value);
/* A table of a file's prefixes, each with the value 0. One that is in use in the process and was
 * made of the same text is shared: a reload does not sort a million lines again. Any thread. NULL:
 * *line is malformed. */
struct prefix_table *prefix_file_table(struct str text, unsigned *line);
void prefix_file_table_drop(struct prefix_table *t);
