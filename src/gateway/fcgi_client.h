/* FastCGI towards a backend: what its codec has to know beside the gateway's own settings. */
#pragma once

#include "gateway/gateway.h"

struct fcgi_param {
    struct fcgi_param *next;
    struct str name;
    const struct template *value;
    bool if_not_empty;
};

struct fcgi_params {
    struct fcgi_param *first, **end;
    struct map names;
};

struct fcgi_word {
    struct fcgi_word *next;
    struct str text;
};

struct fcgi_settings {
    struct gateway_settings gateway; /* first */
    struct fcgi_params *params;
    struct fcgi_word *catch_stderr;
    bool keep_conn;
};

/* The settings given to gateway_run are a struct fcgi_settings's. */
extern const struct client_codec fcgi_client_codec;
