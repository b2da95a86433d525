/* error_page and the default error pages. */
#pragma once

#include "exchange/feature.h"

struct error_pages;

bool error_page_set(struct setting *s);
/* What becomes of x, whose status is an error: RESTART when an error_page leads elsewhere, DONE
 * with the page or redirect prepared. */
enum verdict error_page_answer(struct exchange *x, unsigned status);
/* Is there an error_page for that status where x is? */
bool error_page_wants(const struct exchange *x, unsigned status);
/* "usher/0.1.0", "usher", or what else server_tokens says; empty: nothing is to be said. */
struct str server_signature(struct exchange *x);
