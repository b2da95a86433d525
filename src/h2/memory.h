/* Memory of streams and of nghttp2, which asks for the same few sizes again with each request: a
 * thread keeps some of what is given back. */
#pragma once

#include <nghttp2/nghttp2.h>

/* Cannot fail; zeroed. */
void *h2_memory_take(size_t n);
void *h2_memory_take_raw(size_t n); /* not zeroed */
void h2_memory_put(void *p);
/* The same for a session; sessions of a thread share it. */
nghttp2_mem *h2_memory(void);
