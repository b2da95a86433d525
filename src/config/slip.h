/* What looks right and is not: the marks that word processors write for quotes, hyphens and blanks,
 * and the words of other languages. */
#pragma once

#include "config/node.h"

/* Sets the hint of a problem of this directive, unless it has one, when a word of it has such a
 * mark. */
void slip_hint(struct diags *d, struct diag *diag, const struct node *node);
/* What to write in place of this name of no directive; NULL when nothing is known. */
const char *slip_in_name(struct str name);
/* "3}$": what the lexer makes of a regular expression with braces that is not quoted. */
bool slip_ends_repetition(struct str word);
