/* Before nghttp2 1.61: the size of a block on the wire (h2/input.c) is the only limit. */
#include "h2/limits.h"

void
h2_limits_set(nghttp2_option *o)
{
}
