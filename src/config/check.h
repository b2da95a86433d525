/* What is checked of a directive before its row sees it. Private to the config room. */
#pragma once

#include "config/rows.h"

/* The row that a directive of this scope means; NULL, and reported, when there is none that may
 * stand here, or its shape (block, number of arguments, second time) is wrong. When a
 * ";" seems to be forgotten in it, *next is the word with which the next directive begins, else 0:
 * both halves can then be read as they were meant. */
struct row *scope_check(struct scope *s, const struct node *node, unsigned *next);
/* A problem of a directive: the line that nginx would name is where its words end, the excerpt
 * shows `shown`. */
struct diag *directive_problem(struct compile *c, enum log_level level, const struct node *node,
                               struct span shown, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Whether a word looks like the name of the next directive, because a ";" before it was forgotten:
 * it stands first in its line, and is a directive's name. */
bool begins_directive(const struct compile *c, const struct node *node, unsigned word);
/* Whether a row takes this many arguments. */
bool takes_arguments(const struct directive *d, unsigned n);
/* "listen address[:port] …", as the manual shows it. */
void syntax_print(const struct directive *d, struct buf *b);
