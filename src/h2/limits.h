/* Limits that only newer releases of nghttp2 have. */
#pragma once

#include <nghttp2/nghttp2.h>

void h2_limits_set(nghttp2_option *o);
