/* uwsgi and SCGI towards a backend: a head of parameters and the body; a CGI response until the
 * connection ends. */
#pragma once

#include "gateway/cgi_params.h"

struct cgi_settings {
    struct gateway_settings gateway; /* first */
    struct cgi_params *params;
    unsigned modifier1, modifier2; /* uwsgi's: which plugin is meant */
};

/* The settings given to gateway_run are a struct cgi_settings's. */
extern const struct client_codec uwsgi_client_codec;
extern const struct client_codec scgi_client_codec;
