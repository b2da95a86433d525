/* fastcgi_param, uwsgi_param, scgi_param: what a program is told of a request, and the client's
 * fields as HTTP_*. */
#pragma once

#include "gateway/gateway.h"

struct cgi_param {
    struct cgi_param *next;
    struct str name;
    const struct template *value;
    bool if_not_empty;
};

struct cgi_params {
    struct cgi_param *first, **end;
    struct map names;
};

/* Takes one after the other; embedded in whatever they are written to. */
struct cgi_sink {
    void (*put)(struct cgi_sink *to, struct str name, struct str value);
};

/* The row's .set, for a member struct cgi_params *: NAME VALUE [if_not_empty] */
bool cgi_params_set(struct setting *s);
/* params may be NULL. */
void cgi_params_write(struct gateway *g, const struct cgi_params *params, struct cgi_sink *to);
/* For usher explain: a line each. */
void cgi_params_explain(struct gateway *g, const struct cgi_params *params);
