/* Signing tasks and passes, checking work, and the reserved URL. */
#include "exchange/limits/challenge.h"

#include "base/random.h"
#include "exchange/snapshot.h"
#include "http/cookie.h"
#include "http/uri.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

enum { MOMENT_TEXT = 8, SIGNATURE = 16, TASK_LIFE_S = 300, TO_MAX = 4096 };

static void
put_hex(const unsigned char *from, size_t n, char *to)
{
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[from[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[from[i] & 15];
    }
}

/* kind, moment, length of the zone's name, the name, key: nobody can move a border. */
static void
sign(const struct challenge *c, enum challenge_kind kind, const struct challenge_whom *whom,
     uint64_t moment, unsigned char out[SHA256_DIGEST_LENGTH])
{
    unsigned char text[1 + 8 + 1 + 255 + CHALLENGE_KEY_TEXT], *at = text;
    unsigned n = SHA256_DIGEST_LENGTH;
    *at++ = (unsigned char)kind;
    for (unsigned i = 0; i < 8; i++)
        *at++ = (unsigned char)(moment >> (8 * i));
    *at++ = (unsigned char)whom->zone.n;
    memcpy(at, whom->zone.p, (unsigned char)whom->zone.n);
    at += (unsigned char)whom->zone.n;
    memcpy(at, whom->key, CHALLENGE_KEY_TEXT);
    at += CHALLENGE_KEY_TEXT;
    HMAC(EVP_sha256(), c->secret, sizeof c->secret, text, (size_t)(at - text), out, &n);
}

void
challenge_sign(const struct challenge *c, enum challenge_kind kind,
               const struct challenge_whom *whom, uint64_t moment, char token[CHALLENGE_TOKEN_TEXT])
{
    unsigned char signature[SHA256_DIGEST_LENGTH], big_endian[4];
    sign(c, kind, whom, moment, signature);
    for (unsigned i = 0; i < 4; i++)
        big_endian[i] = (unsigned char)(moment >> (24 - 8 * i));
    put_hex(big_endian, 4, token);
    put_hex(signature, SIGNATURE, token + MOMENT_TEXT);
}

bool
challenge_read(const struct challenge *c, enum challenge_kind kind,
               const struct challenge_whom *whom, struct str token, uint64_t *moment)
{
    char right[CHALLENGE_TOKEN_TEXT];
    if (token.n != CHALLENGE_TOKEN_TEXT || whom->zone.n > 255 ||
        !str_hex_to_u64(str_head(token, MOMENT_TEXT), UINT32_MAX, moment))
        return false;
    challenge_sign(c, kind, whom, *moment, right);
    return CRYPTO_memcmp(right, token.p, sizeof right) == 0;
}

bool
challenge_is_solved(const struct challenge *c, struct str token, struct str number)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[CHALLENGE_TOKEN_TEXT + 1 + 15];
    uint64_t n;
    if (token.n != CHALLENGE_TOKEN_TEXT || number.n > 15 || !str_to_u64(number, UINT64_MAX, &n))
        return false;
    memcpy(text, token.p, token.n);
    text[token.n] = '.';
    memcpy(text + token.n + 1, number.p, number.n);
    SHA256((unsigned char *)text, token.n + 1 + number.n, hash);
    uint32_t first = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 |
                     (uint32_t)hash[3];
    return first >> (32 - c->difficulty) == 0;
}

struct challenge_whom
challenge_for(const struct challenge *c, struct str zone, struct str key)
{
    struct challenge_whom whom = { .zone = zone };
    unsigned char hash[SHA256_DIGEST_LENGTH];
    unsigned n = sizeof hash;
    HMAC(EVP_sha256(), c->key_secret, sizeof c->key_secret, (const unsigned char *)key.p, key.n,
         hash, &n);
    put_hex(hash, CHALLENGE_KEY_TEXT / 2, whom.key);
    return whom;
}

struct str
challenge_way_back(struct str wanted)
{
    bool good = wanted.n && wanted.n <= TO_MAX && wanted.p[0] == '/';
    for (size_t i = 0; good && i < wanted.n; i++)
        good = (unsigned char)wanted.p[i] > ' ' && wanted.p[i] != 0x7f && wanted.p[i] != '\\';
    if (!good || (wanted.n > 1 && wanted.p[1] == '/'))
        return STR("/");
    return wanted;
}

unsigned
challenge_factor(const struct exchange *x)
{
    return x->snapshot->challenge->factor;
}

static uint64_t
now_s(void)
{
    return clock_wall_us() / 1000000;
}

static struct str
cookie_name(struct exchange *x, struct str zone)
{
    return arena_join(&x->arena, STR("usher_pass_"), zone);
}

bool
challenge_passed(struct exchange *x, struct str zone, struct str key)
{
    const struct challenge *c = x->snapshot->challenge;
    const struct fields *fields = &x->request.fields;
    uint64_t until;
    for (unsigned i = 0; i < fields->n; i++) {
        if (fields->v[i].id != HEADER_COOKIE)
            continue;
        struct str pass = cookie_value(fields->v[i].value, cookie_name(x, zone));
        if (pass.n == 0)
            continue;
        struct challenge_whom whom = challenge_for(c, zone, key);
        if (challenge_read(c, CHALLENGE_PASS, &whom, pass, &until) && until > now_s())
            return true;
    }
    return false;
}

/* --- The reserved URL --- */

static struct str
argument(struct exchange *x, struct str name)
{
    struct str raw = uri_arg(x->args, name);
    return raw.n ? uri_decode(raw, &x->arena) : STR("");
}

/* When the pass that was earned ends: counted from the task, so that a second handing in gains
 * nothing. 0: none was earned. */
static uint64_t
earned_until(struct exchange *x, const struct challenge_whom *whom)
{
    const struct challenge *c = x->snapshot->challenge;
    struct str task = argument(x, STR("task")), wait = argument(x, STR("wait"));
    uint64_t began, now = now_s();
    if (task.n)
        return challenge_read(c, CHALLENGE_TASK, whom, task, &began) &&
                       now <= began + TASK_LIFE_S &&
                       challenge_is_solved(c, task, argument(x, STR("answer")))
                   ? began + c->expires_s
                   : 0;
    return c->wait_s && challenge_read(c, CHALLENGE_WAIT, whom, wait, &began) &&
                   now >= began + c->wait_s && now <= began + c->wait_s + TASK_LIFE_S
               ? began + c->expires_s
               : 0;
}

static void
give_pass(struct exchange *x, const struct challenge_whom *whom, uint64_t until)
{
    const struct challenge *c = x->snapshot->challenge;
    char pass[CHALLENGE_TOKEN_TEXT];
    uint64_t now = now_s();
    challenge_sign(c, CHALLENGE_PASS, whom, until, pass);
    struct str name = cookie_name(x, whom->zone);
    fields_add_known(&x->response.fields, HEADER_SET_COOKIE,
                     arena_printf(&x->arena,
                                  STR_FMT "=%.*s; Path=/; Max-Age=%llu; HttpOnly; SameSite=Lax%s",
                                  STR_ARG(name), CHALLENGE_TOKEN_TEXT, pass,
                                  (unsigned long long)(until > now ? until - now : 0),
                                  x->client->tls ? "; Secure" : ""));
}

/* Is it a zone whose name challenge_use would take? It goes into a cookie's name. */
static bool
is_cookie_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = byte_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
            return false;
    }
    return s.n > 0 && s.n <= 255;
}

/* The page asked for is asked for again; who has earned nothing sees a task there. */
enum verdict
challenge_reserved(struct exchange *x)
{
    struct challenge_whom whom = { .zone = argument(x, STR("zone")) };
    struct str key = argument(x, STR("key"));
    if (!str_eq(x->uri, STR(CHALLENGE_URL)))
        return PASS;
    uint64_t until = 0;
    if (key.n == CHALLENGE_KEY_TEXT && is_cookie_word(whom.zone)) {
        memcpy(whom.key, key.p, key.n);
        until = earned_until(x, &whom);
    }
    enum verdict v = redirect(x, 303, challenge_way_back(argument(x, STR("to"))));
    fields_add_known(&x->response.fields, HEADER_CACHE_CONTROL, STR("no-store"));
    if (until)
        give_pass(x, &whom, until);
    else
        exchange_log(x, LEVEL_INFO, 0, "a challenge was answered wrongly or out of time");
    return v;
}

/* --- Configuration --- */

static unsigned char random_secret[32];

void
challenge_prepare(void)
{
    static bool made;
    if (!made)
        random_bytes(random_secret, sizeof random_secret);
    made = true;
}

static void
use_secret(struct challenge *c, struct str bytes)
{
    unsigned n = sizeof c->secret;
    HMAC(EVP_sha256(), bytes.p, (int)bytes.n, (const unsigned char *)"signs", 5, c->secret, &n);
    HMAC(EVP_sha256(), bytes.p, (int)bytes.n, (const unsigned char *)"keys", 4, c->key_secret, &n);
}

static struct challenge *
challenge_of(struct compile *c)
{
    struct snapshot *snap = c->snapshot;
    if (snap->challenge == NULL) {
        snap->challenge = arena_new(c->arena, struct challenge);
        *snap->challenge = (struct challenge){
            .difficulty = 17, .status = 403, .factor = 10, .expires_s = 3600, .wait_s = 10
        };
        challenge_prepare();
        use_secret(snap->challenge,
                   (struct str){ (const char *)random_secret, sizeof random_secret });
    }
    return snap->challenge;
}

static bool
set_number(struct setting *s, unsigned word, struct str value, uint64_t least, uint64_t most,
           unsigned *out)
{
    uint64_t n;
    if (!str_to_u64(value, most, &n) || n < least)
        return setting_error(s, word, "invalid value \"" STR_FMT "\": it must be between %u and %u",
                             STR_ARG(setting_arg(s, word)), (unsigned)least, (unsigned)most);
    *out = (unsigned)n;
    return true;
}

static bool
set_seconds(struct setting *s, unsigned word, struct str value, uint64_t least, uint64_t *out)
{
    uint64_t ms, most = 366ULL * 86400 * 1000;
    if (!parse_msec(value, &ms) || ms > most || ms / 1000 < least)
        return setting_error(s, word, "invalid time \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, word)));
    *out = ms / 1000;
    return true;
}

static bool
set_parameter(struct setting *s, unsigned word, struct challenge *c)
{
    struct str value;
    if (setting_parameter(s, word, STR("difficulty"), &value))
        return set_number(s, word, value, 1, 30, &c->difficulty);
    if (setting_parameter(s, word, STR("status"), &value))
        return set_number(s, word, value, 400, 599, &c->status);
    if (setting_parameter(s, word, STR("factor"), &value))
        return set_number(s, word, value, 1, 1000000, &c->factor);
    if (setting_parameter(s, word, STR("expires"), &value))
        return set_seconds(s, word, value, 1, &c->expires_s);
    if (setting_parameter(s, word, STR("wait"), &value))
        return set_seconds(s, word, value, 0, &c->wait_s);
    return setting_error(s, word, "invalid parameter \"" STR_FMT "\"",
                         STR_ARG(setting_arg(s, word)));
}

bool
challenge_set(struct setting *s)
{
    struct challenge *c = challenge_of(s->compile);
    for (unsigned i = 1; i < s->node->n; i++)
        if (!set_parameter(s, i, c))
            return false;
    return true;
}

bool
challenge_set_secret(struct setting *s)
{
    struct challenge *c = challenge_of(s->compile);
    struct str path = compile_conf_path(s->compile, setting_arg(s, 1));
    int error = 0;
    const struct source *file = sources_open_data(s->compile->sources, path, &error);
    if (file == NULL)
        return setting_error(s, 1, "open() \"" STR_FMT "\" failed (%d: %s)", STR_ARG(path), error,
                             strerrordesc_np(error));
    if (file->text.n < sizeof c->secret || file->text.n > 1 << 20)
        return setting_error(s, 1, "\"" STR_FMT "\" must have 32 bytes to 1 MiB", STR_ARG(path));
    use_secret(c, file->text);
    return true;
}

bool
challenge_use(struct setting *s, struct str zone)
{
    (void)challenge_of(s->compile);
    return is_cookie_word(zone) ||
           setting_error(s, 0,
                         "zone \"" STR_FMT "\" cannot have a challenge: its name must be letters, "
                         "digits, \"_\", \"-\" and \".\"",
                         STR_ARG(zone));
}
