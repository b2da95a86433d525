/* Server-side includes as they stand in a page: <!--# command parameter="value" … -->.
 *
 * A parser takes the page in pieces of any size and gives texts and commands in turn. */
#pragma once

#include "base/buf.h"

enum { SSI_PARAMETERS_MAX = 16, SSI_NAME_MAX = 32 };

struct ssi_parameter {
    size_t name, name_n, value, value_n; /* in the parser's text */
};

struct ssi_parser {
    unsigned state;
    unsigned matched; /* of "<!--#" */
    char quote;
    size_t value_max; /* ssi_value_length */
    struct buf text;  /* of the present command */
    size_t name_n;
    struct ssi_parameter v[SSI_PARAMETERS_MAX];
    unsigned n;
    char error[320];
};

enum ssi_token {
    SSI_MORE,    /* the piece is used up */
    SSI_TEXT,    /* a part of the piece, or of what looked like a command */
    SSI_COMMAND, /* well-formed: ask ssi_command, ssi_parameter */
    SSI_BAD,     /* p->error says why */
};

void ssi_init(struct ssi_parser *p, struct arena *a, size_t value_max);
/* Takes from the front of *in. What is unfinished when the page ends is not shown, as in nginx. */
enum ssi_token ssi_next(struct ssi_parser *p, struct str *in, struct str *text);
/* Is it in a command that is SSI_BAD already? */
bool ssi_is_wrong(const struct ssi_parser *p);
/* Valid until the next call of ssi_next. */
struct str ssi_command(const struct ssi_parser *p);
struct str ssi_parameter_name(const struct ssi_parser *p, unsigned i);
struct str ssi_parameter_value(const struct ssi_parser *p, unsigned i);
