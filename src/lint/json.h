/* Texts in JSON. Private to the lint room. */
#pragma once

#include "base/buf.h"

/* In quotes and escaped; what is no UTF-8 becomes U+FFFD. */
void json_string(struct buf *b, struct str text);
