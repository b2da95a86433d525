/* How certificates are looked after. */
#pragma once

#include "config/compile.h"

struct certificate_settings {
    bool strict; /* a broken certificate is an error of the configuration */
    bool watch;  /* changed files are taken up without a HUP */
};

extern const struct directive_set certificate_directives;
