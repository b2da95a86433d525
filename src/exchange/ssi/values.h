/* What server-side includes know by name, and the texts and conditions made of it. */
#pragma once

#include "base/map.h"
#include "exchange/exchange.h"

struct ssi_settings;

/* Of an exchange whose response has includes. Variables, captures and blocks are one for a request
 * and all its sub-requests: the outermost has them. */
struct ssi {
    const struct ssi_settings *settings; /* when its own response has commands; else NULL */
    struct str error_message, time_format;
    struct map variables, blocks;
    struct str captures[10];
    unsigned n_captures;
};

/* x's, made when it is first asked for. */
struct ssi *ssi_of(struct exchange *x);
/* The command set. Both are copied. */
void ssi_set(struct exchange *x, struct str name, struct str value);
/* A variable of the page, else of the configuration. False: there is none, or it has no value. */
bool ssi_get(struct exchange *x, struct str name, struct str *out);
/* Text with $name, ${name} and $1 in it; STR_NONE when it is malformed or comes to
 * too much, which is logged. */
struct str ssi_text(struct exchange *x, struct str text);
/* "$name", "$name = text", "$name != /regex/": 1 or 0, -1: malformed, which is logged. */
int ssi_condition(struct exchange *x, struct str text);

/* A block's text, as it stands in the page; copied. */
void ssi_block_put(struct exchange *x, struct str name, struct str text);
/* STR_NONE: there is no such block. */
struct str ssi_block_get(struct exchange *x, struct str name);
