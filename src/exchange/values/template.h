/* Templates: text with variables ("http://$host$request_uri"), compiled to a list of operations and
 * evaluated in one pass into a growing bounded buffer. */
#pragma once

#include "config/compile.h"
#include "exchange/values/variable.h"
#include "http/uri.h"

struct template;

enum { TEMPLATE_MAX = 256 * 1024 }; /* bytes of one evaluated value */

/* Compiles text: $name, ${name}, and $1…$9 of the last regex. What is malformed is reported at word
 * `word` of the setting: NULL then. A variable may be defined further down in the text; one that
 * nothing defines is reported at the compile's end. */
const struct template *template_compile(struct setting *s, unsigned word, struct str text);
/* All words from `first` on as one text (log_format). */
const struct template *template_compile_words(struct setting *s, unsigned first);
/* A template of fixed text; never fails. */
const struct template *template_of_text(struct arena *a, struct str text);
/* A template without variables, and its text (STR_NONE when it has variables). */
bool template_is_plain(const struct template *t);
struct str template_plain(const struct template *t);
/* Evaluated in x's arena; plain ones cost nothing, one lone variable is not copied. A value beyond
 * TEMPLATE_MAX is cut to nothing, and x is failed (FAULT_VALUE_TOO_LARGE) — returns STR_NONE then.
 */
struct str template_eval(const struct template *t, struct exchange *x);
/* The same, with what captures ($1…) stand for escaped: they are decoded parts of a URI. */
struct str template_eval_captures(const struct template *t, struct exchange *x,
                                  enum uri_escape how);
/* Appends to b; `escape` is applied to the variables' values (logs), NULL: none. */
typedef void escape_fn(struct buf *b, struct str value, bool present);
void template_write(const struct template *t, struct exchange *x, struct buf *b, escape_fn *escape);
/* Evaluated condition of if=: not empty and not "0". */
bool template_true(const struct template *t, struct exchange *x);
