/* What is checked of a directive before its row sees it. Private to the config room. */
#pragma once

#include "config/rows.h"

/* The row that a directive of this scope means; NULL, and reported, when there is none that may
 * stand here, or its shape (block, number of arguments, second time) is wrong. */
struct row *scope_check(struct scope *s, const struct node *node);
/* Whether a row takes this many arguments. */
bool takes_arguments(const struct directive *d, unsigned n);
/* "listen address[:port] …", as the manual shows it. */
void syntax_print(const struct directive *d, struct buf *b);
