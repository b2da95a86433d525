/* limit_except METHOD ... { … }: settings that hold for all other methods of the location. */
#include "exchange/feature.h"
#include "exchange/hosts/location_build.h"

static const enum method nameable[] = {
    METHOD_GET,       METHOD_HEAD, METHOD_POST,   METHOD_PUT,     METHOD_DELETE,
    METHOD_MKCOL,     METHOD_COPY, METHOD_MOVE,   METHOD_OPTIONS, METHOD_PROPFIND,
    METHOD_PROPPATCH, METHOD_LOCK, METHOD_UNLOCK, METHOD_PATCH,   METHOD_OTHER,
};

/* 0: there is no such method. */
static uint32_t
bit_of(struct str name)
{
    for (const enum method *m = nameable; *m != METHOD_OTHER; m++)
        if (str_eq_nocase(name, method_name(*m)))
            return UINT32_C(1) << *m;
    return 0;
}

static bool
open_block(struct setting *s)
{
    uint32_t methods = 0;
    for (unsigned i = 1; i < s->node->n; i++) {
        uint32_t bit = bit_of(setting_arg(s, i));
        if (bit == 0)
            return setting_error(s, i, "invalid method \"" STR_FMT "\"",
                                 STR_ARG(setting_arg(s, i)));
        methods |= bit;
    }
    if (methods & 1 << METHOD_GET)
        methods |= 1 << METHOD_HEAD;
    location_open_except(s->scope, s->node, methods);
    return true;
}

static const struct directive directives[] = {
    { "limit_except", NO_FIELD, IN_LOCATION, .set = open_block, .flags = BLOCK, .args_min = 1,
      .args_max = ARGS_ANY, .syntax = "method ... { ... }",
      .example = "limit_except GET { deny all; }",
      .help = "Settings for the requests of a location whose method is none of these; GET stands "
              "for HEAD too." },
    { 0 },
};

const struct feature limit_except_ = {
    .name = "limit_except",
    .directives = directives,
};
