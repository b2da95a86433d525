/* limit_req … action=challenge: a client beyond its limit gets a small page whose script does some
 * work, and for that a signed cookie with which it may do more.
 *
 * Nothing is kept of who was asked or has answered: the task and the pass are signed, and are good
 * for one zone and one key only. */
#pragma once

#include "config/compile.h"
#include "exchange/exchange.h"

/* .set of limit_req_challenge and limit_req_challenge_secret, both of http. */
bool challenge_set(struct setting *s);
bool challenge_set_secret(struct setting *s);
/* A limit of that zone asks for it. False (reported) when the name cannot be part of a cookie's. */
bool challenge_use(struct setting *s, struct str zone);
/* Has the client a pass for that zone and key? */
bool challenge_passed(struct exchange *x, struct str zone, struct str key);
/* How many times the rate and burst a pass is good for. */
unsigned challenge_factor(const struct exchange *x);
/* The page in place of an answer. */
enum verdict challenge_page(struct exchange *x, struct str zone, struct str key);
/* The reserved URL where tasks are handed in; PASS when it is another. */
enum verdict challenge_reserved(struct exchange *x);
