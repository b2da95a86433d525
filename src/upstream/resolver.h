/* The `resolver` directive's words. */
#pragma once

#include "upstream/upstream.h"

/* Reads them into out (timeout_ms is not theirs). Reports its own problem, false then. */
bool resolver_parse(struct setting *s, struct resolver_settings *out);
