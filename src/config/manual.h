/* The manual, printed from the rows: what `usher help` says and docs/reference is made of. */
#pragma once

#include "base/buf.h"
#include "config/directive.h"

/* One directive in the form of nginx's documentation: syntax, default, context, text, example.
 * Markdown that reads well as plain text. */
void manual_print_directive(struct buf *b, const struct directive_set *set,
                            const struct directive *directive);
/* The reference has a page for each name of a set that has directives (names that begin with "_"
 * are left out): the names of the pages, sorted. */
unsigned manual_pages(struct arena *a, const struct directive_set *const *sets,
                      const char ***names);
void manual_print_page(struct buf *b, const struct directive_set *const *sets, const char *name);
/* A line for each page, with links to all its directives. */
void manual_print_index(struct buf *b, const struct directive_set *const *sets);
/* What nginx has: what no row has, and what is accepted without effect; by module. */
void manual_print_absent(struct buf *b, const struct directive_set *const *sets);
/* All rows by name, as the section DIRECTIVES of a page of man(7). */
void manual_print_roff(struct buf *b, const struct directive_set *const *sets);
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
