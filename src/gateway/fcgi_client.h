/* FastCGI towards a backend: what its codec has to know beside the gateway's own settings. */
#pragma once

#include "gateway/cgi_params.h"

struct fcgi_word {
    struct fcgi_word *next;
    struct str text;
};

struct fcgi_settings {
    struct gateway_settings gateway; /* first */
    struct cgi_params *params;
    struct fcgi_word *catch_stderr;
    bool keep_conn;
};

/* The settings given to gateway_run are a struct fcgi_settings's. */
extern const struct client_codec fcgi_client_codec;
