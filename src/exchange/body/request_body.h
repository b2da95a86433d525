/* The request's body, whole: in memory or in an unlinked file. */
#pragma once

#include "exchange/exchange.h"

/* Reads it, once for all who want it whole: x->body_kept afterwards, with x->buffered_body, or
 * x->body_file when that is not -1, of x->body_file_size bytes. More than client_body_buffer_size
 * goes to the file. PASS, at once when there is no body or it was read before; or FAILED. */
enum verdict request_body_read(struct exchange *x);
