/* What a server's HTTP/2 is like: the http2_* directives. The rows are in http2.c. */
#pragma once

#include "config/compile.h"

struct http2_settings {
    unsigned max_concurrent_streams;
    struct bytes recv_buffer_size, body_preread_size, chunk_size;
};

extern const struct directive_set http2_directives;
