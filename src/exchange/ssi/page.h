/* A response's body with server-side includes carried out.
 *
 * Commands run as they are read; what they give waits in a short queue, so that several includes
 * can be under way at once and yet appear in their order. */
#pragma once

#include "exchange/ssi/values.h"
#include "http/ssi.h"

struct ssi_settings {
    bool silent_errors;
    uint64_t value_length;
};

/* b, of x's response, whose chunks are bytes, and which it owns from now on. */
struct body *ssi_body(struct exchange *x, struct body *b, const struct ssi_settings *my);

/* --- between the files of this folder --- */

/* What the commands of a request may take of memory: a page may have any number of them. */
enum { SSI_QUEUE = 32, SSI_MEMORY_MAX = 16 << 20 };

/* What is to come out: a text, or what a sub-request says. */
struct ssi_item {
    struct str text;
    struct exchange *child; /* NULL: a text */
    struct str stub;        /* in its place when it has nothing to say; STR_NONE: none */
    bool started, waited;
    struct body *body; /* after waited */
};

struct ssi_page {
    struct body body; /* first */
    struct exchange *x;
    const struct ssi_settings *my;
    struct body *inner;
    struct ssi_parser parser;
    struct str in; /* of the present piece, not looked at yet */
    struct ssi_item queue[SSI_QUEUE];
    unsigned first, n;
    bool hold;  /* the queue is to be emptied before the next command */
    bool ended; /* the inner body is */
    bool spent; /* it has taken too much */
    enum { OUTSIDE, IN_IF, IN_ELSE } place;
    bool skips, chosen; /* of an if: this part is not shown; one was */
    bool in_block;
    struct str block_name;
    struct buf block;
    char *gathered; /* small texts, to leave together */
};

/* ssi/command.c: carries out the command that the parser has. */
void ssi_run(struct ssi_page *p);
/* In place of what went wrong. */
void ssi_put_error(struct ssi_page *p);
/* ssi/page.c: texts live until the queue is empty. There is room. */
void ssi_put_text(struct ssi_page *p, struct str text);
struct ssi_item *ssi_put(struct ssi_page *p);
/* ssi/include.c: false: the error message takes its place. */
bool ssi_include(struct ssi_page *p, const struct str *values);
enum { SSI_VIRTUAL, SSI_FILE, SSI_WAIT, SSI_SET, SSI_STUB };
/* A piece of the sub-request's answer; as body_next. */
int ssi_item_next(struct ssi_page *p, struct ssi_item *item, struct chunk *out);
void ssi_item_close(struct ssi_item *item);
