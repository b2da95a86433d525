/* secure_link, secure_link_md5, secure_link_secret: was a link made by somebody who knows the
 * secret, and does it still hold? $secure_link says it; the configuration acts upon it. */
#include "exchange/feature.h"
#include "http/base64.h"

#include <openssl/evp.h>

struct settings {
    const struct template *link, *md5;
    struct str secret;
};

extern const struct feature secure_link_;

enum { MD5_SIZE = 16 };

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "secure_link", FIELD(struct settings, link), EVERYWHERE,
      .example = "secure_link $arg_md5,$arg_expires;", .syntax = "expression",
      .help =
          "The checksum of a link, in base64 of URLs, and after a comma the time (seconds since "
          "1970) when it ends. $secure_link is 1 for a link that holds, 0 for one that has "
          "ended, and empty for a false one." },
    { "secure_link_md5", FIELD(struct settings, md5), EVERYWHERE, .syntax = "expression",
      .example = "secure_link_md5 \"$secure_link_expires$uri$remote_addr secret\";",
      .help = "What the checksum is of: MD5." },
    { "secure_link_secret", FIELD(struct settings, secret), IN_LOCATION, .syntax = "word",
      .example = "secure_link_secret word;",
      .help = "For links as /prefix/HASH/LINK with the hexadecimal MD5 of the link followed by the "
              "word: $secure_link is the link of those that are right." },
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    const struct settings *my = settings;
    if (my->secret.n == 0 || (my->link == NULL && my->md5 == NULL))
        return true;
    diag_add(scope->compile->diags, LEVEL_EMERG, scope->node->words[0].span,
             "\"secure_link_secret\" cannot be mixed with \"secure_link\" and "
             "\"secure_link_md5\"");
    return false;
}

/* In a time that says nothing of where they differ. */
static bool
same(const unsigned char *a, const char *b)
{
    unsigned difference = 0;
    for (unsigned i = 0; i < MD5_SIZE; i++)
        difference |= a[i] ^ (unsigned char)b[i];
    return difference == 0;
}

static bool
is_md5_of(struct str checksum, struct str text)
{
    unsigned char made[EVP_MAX_MD_SIZE];
    return checksum.n == MD5_SIZE && EVP_Digest(text.p, text.n, made, NULL, EVP_md5(), NULL) == 1 &&
           same(made, checksum.p);
}

/* --- Links with an end --- */

/* What secure_link says: the checksum's text, and the time when the link ends (-1: never). */
static bool
split(struct exchange *x, const struct settings *my, struct str *checksum, struct str *expires)
{
    *expires = template_eval(my->link, x);
    *checksum = str_cut(expires, ',');
    return checksum->p != NULL;
}

static bool
check_link(struct exchange *x, const struct settings *my, struct str *out)
{
    struct str checksum, expires;
    uint64_t end, now = clock_wall_us() / 1000000;
    if (my->link == NULL || my->md5 == NULL || !split(x, my, &checksum, &expires))
        return false;
    if (expires.p && (!str_to_u64(expires, INT64_MAX, &end) || end == 0))
        return false;
    struct str text = template_eval(my->md5, x);
    if (checksum.n > 24 || !is_md5_of(base64url_decode(&x->arena, checksum), text))
        return false;
    *out = expires.p && end < now ? STR("0") : STR("1");
    return true;
}

static bool
get_expires(struct exchange *x, struct str rest, struct str *out)
{
    const struct settings *my = feature_settings(x, &secure_link_);
    struct str checksum, expires;
    uint64_t end;
    if (my->link == NULL || my->md5 == NULL || !split(x, my, &checksum, &expires) ||
        !str_to_u64(expires, INT64_MAX, &end) || end == 0)
        return false;
    *out = expires;
    return true;
}

/* --- Links with a word --- */

static int
hex_value(char c)
{
    c = byte_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
decode_hex(struct str text, char out[MD5_SIZE])
{
    if (text.n != 2 * (size_t)MD5_SIZE)
        return false;
    for (unsigned i = 0; i < MD5_SIZE; i++) {
        int high = hex_value(text.p[2 * i]), low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (char)(high << 4 | low);
    }
    return true;
}

/* /prefix/HASH/LINK as it came, arguments and all. */
static bool
check_word(struct exchange *x, struct str word, struct str *out)
{
    char checksum[MD5_SIZE];
    struct str rest = x->request.target;
    (void)str_cut(&rest, '/');
    (void)str_cut(&rest, '/');
    if (rest.p == NULL)
        return false;
    struct str hash = str_cut(&rest, '/');
    if (rest.n == 0 || !decode_hex(hash, checksum) ||
        !is_md5_of((struct str){ checksum, MD5_SIZE }, arena_join(&x->arena, rest, word)))
        return false;
    *out = rest;
    return true;
}

static bool
get_link(struct exchange *x, struct str rest, struct str *out)
{
    const struct settings *my = feature_settings(x, &secure_link_);
    return my->secret.n ? check_word(x, my->secret, out) : check_link(x, my, out);
}

static const struct variable variables[] = {
    { "secure_link", get_link, NULL, 0,
      "What came of checking the link: 1, 0 (it has ended) or empty; with secure_link_secret the "
      "link itself." },
    { "secure_link_expires", get_expires, NULL, VARIABLE_VOLATILE,
      "When the link ends, as the request says." },
    { 0 },
};

const struct feature secure_link_ = {
    .name = "secure_link",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .variables = variables,
};
