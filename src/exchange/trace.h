/* usher explain: an exchange that tells what it meets instead of answering. The phases, the rewrite
 * programs and the look-ups are the real ones; where they would ask a backend, wait or count, they
 * tell what they would do (struct feature, explain). x->trace is NULL in a server. */
#pragma once

#include "config/node.h"
#include "exchange/hosts/location.h"
#include "exchange/rewrite/program.h"

struct trace {
    struct buf *b;
    struct str here; /* paths below this directory are told without it; ends with a slash */
    unsigned depth;  /* of ifs */
};

/* A line: what it is about, a sentence, and where the configuration says so (NULL: nowhere). */
void trace_say(struct exchange *x, const char *label, const struct span *at, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
/* The directive as written, and a sentence about it. */
void trace_say_node(struct exchange *x, const char *label, const struct node *node,
                    struct str what);
/* The directives of a feature that hold where x is, a line each; how many there were. */
unsigned trace_directives(struct exchange *x, const char *label, const struct feature *f,
                          const char *what);
/* The first of the names, apart by blanks, that holds where x is. False: none. */
bool trace_in_force(struct exchange *x, const char *label, const char *names);
/* The directive of that name beside the servers which has a word that begins so: a zone's. */
void trace_definition(struct exchange *x, const char *label, const char *name, struct str start);
/* The block of that name and argument anywhere in the configuration, line by line. False: there is
 * none. */
bool trace_block(struct exchange *x, const char *label, const char *name, struct str argument);

/* --- what the exchange's own steps call when there is a trace --- */
enum verdict trace_op(struct exchange *x, const struct op *op);
enum verdict trace_call(struct exchange *x, const struct call *call);
/* After location_find, with what it said. */
void trace_location(struct exchange *x, enum verdict v);
/* After error_page_answer has decided on that status. */
void trace_error(struct exchange *x, unsigned status, enum verdict v);
void trace_answer(struct exchange *x);
