/* The manual, printed from the rows: what `usher help` says and docs/reference is made of. */
#pragma once

#include "base/buf.h"
#include "config/directive.h"

/* One directive in the form of nginx's documentation: syntax, default, context, text, example.
 * Markdown that reads well as plain text. */
void manual_print_directive(struct buf *b, const struct directive_set *set,
                            const struct directive *directive);
/* All sets (ended by NULL) as one document, sorted by set and then by name. Names that begin with
 * "_" are left out. */
void manual_print(struct buf *b, const struct directive_set *const *sets);
/* Every row of this name; false when there is none. */
bool manual_print_name(struct buf *b, const struct directive_set *const *sets, struct str name);
/* What may help with a name that no row has: 'did you mean "x"?' or the module it belongs to. Empty
 * when nothing is known of it. */
void manual_print_hint(struct buf *b, const struct directive_set *const *sets, struct str name);
/* One name a line, sorted, each once. */
void manual_print_names(struct buf *b, const struct directive_set *const *sets);
/* What a row lacks to be documented and read: help, contexts, a syntax or a type, defaults and
 * example that parse and are of the right shape. One line for each flaw; true when there is none.
 */
bool directive_set_check(const struct directive_set *set, struct buf *flaws);
