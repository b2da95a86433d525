/* limit_req … action=challenge: a client beyond its limit gets a small page whose script does some
 * work, and for that a signed cookie with which it may do more.
 *
 * Nothing is kept of who was asked or has answered: the task and the pass are signed, are good for
 * one zone and one key only, and for a time. Handing a task in twice gives the same pass again. */
#pragma once

#include "config/compile.h"
#include "exchange/exchange.h"

/* Of a configuration; in its snapshot. */
struct challenge {
    unsigned difficulty; /* zero bits that the work's hash must begin with */
    unsigned status;
    unsigned factor; /* how many times the rate and burst a pass is good for */
    uint64_t expires_s, wait_s;
    unsigned char secret[32];     /* signs */
    unsigned char key_secret[32]; /* hides keys: nobody gets a signature for a key of his making */
};

/* What a signature is for. */
enum challenge_kind { CHALLENGE_TASK = 'T', CHALLENGE_WAIT = 'W', CHALLENGE_PASS = 'P' };

enum { CHALLENGE_KEY_TEXT = 32, CHALLENGE_TOKEN_TEXT = 40 };

/* For whom it is: a zone, and a key of it that does not tell what it stands for. */
struct challenge_whom {
    struct str zone;
    char key[CHALLENGE_KEY_TEXT]; /* hexadecimal digits, as in the URL */
};

/* A moment (seconds since 1970) and its signature, in hexadecimal digits. */
void challenge_sign(const struct challenge *c, enum challenge_kind kind,
                    const struct challenge_whom *whom, uint64_t moment,
                    char token[CHALLENGE_TOKEN_TEXT]);
/* False when it was not signed here, or for somebody else. */
bool challenge_read(const struct challenge *c, enum challenge_kind kind,
                    const struct challenge_whom *whom, struct str token, uint64_t *moment);
/* Is that number a solution of the task? */
bool challenge_is_solved(const struct challenge *c, struct str token, struct str number);
struct challenge_whom challenge_for(const struct challenge *c, struct str zone, struct str key);
/* A path of this site with its arguments, to be gone back to; "/" in place of all else. */
struct str challenge_way_back(struct str wanted);

/* Makes the process's secret. Called before any worker is forked: all have the same. */
void challenge_prepare(void);
/* .set of limit_req_challenge and limit_req_challenge_secret, both of http. */
bool challenge_set(struct setting *s);
bool challenge_set_secret(struct setting *s);
/* A limit of that zone asks for it. False (reported) when the name cannot be part of a cookie's. */
bool challenge_use(struct setting *s, struct str zone);

/* Has the client a pass for that zone and key? */
bool challenge_passed(struct exchange *x, struct str zone, struct str key);
unsigned challenge_factor(const struct exchange *x);
/* The page in place of an answer. */
enum verdict challenge_page(struct exchange *x, struct str zone, struct str key);
/* The reserved URL where tasks are handed in; PASS when it is another one. */
enum verdict challenge_reserved(struct exchange *x);

#define CHALLENGE_URL "/.well-known/usher/challenge"
