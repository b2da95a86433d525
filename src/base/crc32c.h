/* CRC32C, the Castagnoli checksum (RFC 9260, appendix A). */
#pragma once

#include "base/str.h"

/* Of what `before` is the checksum of (0: nothing), and s. */
uint32_t crc32c(uint32_t before, struct str s);
