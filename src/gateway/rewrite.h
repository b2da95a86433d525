/* proxy_redirect, proxy_cookie_domain, proxy_cookie_path, proxy_cookie_flags: what a backend says
 * of itself, said for the client. */
#pragma once

#include "exchange/values/regex.h"
#include "gateway/gateway.h"

bool rewrite_set_redirect(struct setting *s);      /* default | off | FROM TO, ~REGEX TO */
bool rewrite_set_cookie_domain(struct setting *s); /* off | FROM TO */
bool rewrite_set_cookie_path(struct setting *s);
bool rewrite_set_cookie_flags(struct setting *s); /* off | COOKIE FLAG ... */
