/* usher fmt: a configuration laid out anew. Words, quotes and comments stay as they are; what
 * changes is the space between them. */
#pragma once

#include "config/diag.h"

/* The source's text with four blanks a block, at most one empty line, one blank between words, and
 * a directive a line; a block of one short directive may stay in its line, and the words of a
 * directive stay in their lines. The result, formatted again, stays as it is. Blocks of Lua are not
 * touched. False, and reported in d, when braces or quotes do not match. */
bool config_format(const struct source *source, struct diags *d, struct buf *out);
