/* What rewrite, return, set, if and break of one block say, in the order of the text: a short
 * program that runs before the phases of its server or location. It is not inherited. */
#pragma once

#include "config/compile.h"
#include "exchange/exchange.h"

struct template;

/* One directive. Embedded first in what it needs to know. */
struct op {
    /* PASS: the next one; else the program ends with that verdict. It may also say
     * program_stop. */
    enum verdict (*run)(struct exchange *x, const struct op *op);
    struct op *next;
    const struct node *node;
};

struct program {
    struct op *first, **end;
};

extern const struct directive_set
    program_set; /* where scopes keep them; no directives of its own */

/* At compile time: op comes next in the program of the setting's block. */
void program_append(struct setting *s, struct op *op);
/* The block's own, NULL when it has none. */
const struct program *program_of(const struct scope *s);

/* Runs p (may be NULL). PASS: the phases go on, in x->location, which an `if` may have changed;
 * RESTART: the URI is another one, and its location must be found. */
enum verdict program_run(struct exchange *x, const struct program *p);
/* The ops of an `if` that holds, as a part of the program that is running. */
enum verdict program_run_inner(struct exchange *x, const struct program *p);
/* No further op runs; search: the location of the new URI is to be found (last), else the phases go
 * on in this one (break). */
void program_stop(struct exchange *x, bool search);

/* Has the client escaped some of its URI? Then what patterns capture is escaped again where a
 * program uses it. */
bool program_escapes_captures(const struct exchange *x);
/* t for x, with captures so. */
struct str program_text(const struct template *t, struct exchange *x);
