/* What the directives about OCSP say: ssl_stapling* of a server's own certificates, ssl_ocsp* of
 * its clients'. */
#pragma once

#include "exchange/secure/ssl_settings.h"

enum ocsp_clients { OCSP_CLIENTS_OFF, OCSP_CLIENTS_ON, OCSP_CLIENTS_LEAF };

struct ocsp_settings {
    bool stapling, stapling_verify;
    const struct ssl_file *stapling_file;
    struct str stapling_responder; /* STR_NONE: the certificate's own */
    unsigned clients;              /* enum ocsp_clients */
    struct str responder;
    struct ocsp_cache_settings {
        struct str name; /* STR_NONE: off */
        struct bytes size;
    } cache;
};

extern const struct directive_set ocsp_directives;
