/* Regular expressions: PCRE2 with JIT, match limits, and captures as views. */
#pragma once

#include "config/compile.h"
#include "exchange/values/variable.h"

struct regex {
    struct regex *next; /* of the snapshot's */
    void *code;         /* pcre2_code, freed with the snapshot */
    struct str pattern;
    unsigned captures;
    struct {
        struct str name;
        unsigned group;
        const struct variable_ref *variable;
    } * named;
    unsigned n_named;
};

/* Reports a bad pattern at word `word`: NULL then. Freed with the compile's snapshot. Named groups
 * become variables. */
struct regex *regex_compile(struct setting *s, unsigned word, struct str pattern, bool nocase);
/* Matches; when x is not NULL its captures ($1…, named ones) are set on success: views into
 * subject, which must live as long as x. False also when the match limit is hit (logged when x is
 * there). */
bool regex_match(const struct regex *r, struct str subject, struct exchange *x);
/* The same for what rewrite and if ask: a failure leaves no captures of an earlier one. */
bool regex_match_fresh(const struct regex *r, struct str subject, struct exchange *x);
/* A pattern that comes with a response and is used once. 1: it matches, and tells all groups, by
 * name too (name is STR_NONE without), as views into subject; 0: it does not; -1: it is malformed,
 * which is logged. */
typedef void regex_group(void *arg, unsigned group, struct str name, struct str value);
int regex_match_once(struct exchange *x, struct str pattern, struct str subject, regex_group *tell,
                     void *arg);
/* Frees all patterns of the compile's snapshot. */
void regexes_free(struct compile *c);
