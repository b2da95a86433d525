/* What a client hands in for a challenge: signatures, solutions, the way back. */
#include "exchange/limits/challenge.h"

#include "target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct challenge c = { .difficulty = 8, .secret = "s", .key_secret = "k" };
    struct challenge_whom whom = challenge_for(&c, STR("zone"), STR("key"));
    struct str in = { (const char *)data, size };
    uint64_t moment;
    char token[CHALLENGE_TOKEN_TEXT];
    must(!challenge_read(&c, CHALLENGE_PASS, &whom, in, &moment)); /* nobody guesses it */
    challenge_sign(&c, CHALLENGE_TASK, &whom, 1, token);
    (void)challenge_is_solved(&c, (struct str){ token, sizeof token }, in);
    (void)challenge_is_solved(&c, in, STR("1"));
    struct str back = challenge_way_back(in);
    must(back.n > 0 && back.p[0] == '/' &&
         (back.n == 1 || (back.p[1] != '/' && back.p[1] != '\\')));
    return 0;
}
