/* What every fuzz target implements; libFuzzer and replay.c call it. Always returns 0; a finding is
 * an abort, by must or by a sanitizer. */
#pragma once

#include "base/must.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
