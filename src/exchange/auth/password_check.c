/* The ways in which passwords are stored. */
#include "exchange/auth/password_check.h"

#include "http/base64.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { MD5_SIZE = 16, APR1_SALT_MAX = 8, APR1_ROUNDS = 1000, STORED_MAX = 512 };

bool
password_is_slow(struct str stored)
{
    return !str_starts(stored, STR("{PLAIN}")) && !str_starts(stored, STR("{SHA}")) &&
           !str_starts(stored, STR("{SSHA}"));
}

/* By digests, so that the time tells nothing of how much was right. */
static bool
same(struct str a, struct str b)
{
    unsigned char of_a[SHA256_DIGEST_LENGTH], of_b[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)a.p, a.n, of_a);
    SHA256((const unsigned char *)b.p, b.n, of_b);
    return CRYPTO_memcmp(of_a, of_b, sizeof of_a) == 0;
}

/* SHA-1 of password and salt; the salt follows the digest. */
static bool
matches_sha(struct str stored, struct str password, bool salted)
{
    struct arena a;
    unsigned char digest[SHA_DIGEST_LENGTH];
    arena_init(&a, 0);
    struct str bytes = base64_decode(&a, stored);
    bool fine = salted ? bytes.n >= sizeof digest : bytes.n == sizeof digest;
    if (fine) {
        struct str text = arena_join(&a, password, str_skip(bytes, sizeof digest));
        SHA1((const unsigned char *)text.p, text.n, digest);
        fine = CRYPTO_memcmp(digest, bytes.p, sizeof digest) == 0;
    }
    arena_fini(&a);
    return fine;
}

/* --- $apr1$: Apache's MD5, a thousand rounds --- */

static void
add(EVP_MD_CTX *c, struct str s)
{
    EVP_DigestUpdate(c, s.p, s.n);
}

static void
begin(EVP_MD_CTX *c)
{
    EVP_DigestInit_ex(c, EVP_md5(), NULL);
}

static struct str
end(EVP_MD_CTX *c, unsigned char digest[MD5_SIZE])
{
    EVP_DigestFinal_ex(c, digest, NULL);
    return (struct str){ (const char *)digest, MD5_SIZE };
}

static void
apr1_start(EVP_MD_CTX *c, struct str password, struct str salt, unsigned char digest[MD5_SIZE])
{
    begin(c);
    add(c, password);
    add(c, salt);
    add(c, password);
    struct str inner = end(c, digest);
    unsigned char copy[MD5_SIZE];
    memcpy(copy, digest, sizeof copy);
    inner.p = (const char *)copy;
    begin(c);
    add(c, password);
    add(c, STR("$apr1$"));
    add(c, salt);
    for (size_t left = password.n; left > 0; left -= left < MD5_SIZE ? left : MD5_SIZE)
        add(c, str_head(inner, left));
    for (size_t i = password.n; i > 0; i >>= 1)
        add(c, i & 1 ? (struct str){ "", 1 } : str_head(password, 1));
    end(c, digest);
}

static void
apr1_digest(EVP_MD_CTX *c, struct str password, struct str salt, unsigned char digest[MD5_SIZE])
{
    const struct str last = { (const char *)digest, MD5_SIZE };
    apr1_start(c, password, salt, digest);
    for (unsigned i = 0; i < APR1_ROUNDS; i++) {
        begin(c);
        add(c, i & 1 ? password : last);
        if (i % 3)
            add(c, salt);
        if (i % 7)
            add(c, password);
        add(c, i & 1 ? last : password);
        end(c, digest);
    }
}

static void
apr1_print(const unsigned char d[MD5_SIZE], char out[22])
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const unsigned char order[5][3] = {
        { 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 5 }
    };
    unsigned n = 0;
    for (unsigned i = 0; i < 5; i++) {
        unsigned bits =
            (unsigned)d[order[i][0]] << 16 | (unsigned)d[order[i][1]] << 8 | d[order[i][2]];
        for (unsigned k = 0; k < 4; k++, bits >>= 6)
            out[n++] = digits[bits & 63];
    }
    out[n++] = digits[d[11] & 63];
    out[n] = digits[d[11] >> 6];
}

static bool
matches_apr1(struct str stored, struct str password)
{
    unsigned char digest[MD5_SIZE];
    char text[22];
    struct str rest = str_skip(stored, 6), salt = str_head(str_cut(&rest, '$'), APR1_SALT_MAX);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (c == NULL)
        return false;
    apr1_digest(c, password, salt, digest);
    EVP_MD_CTX_free(c);
    apr1_print(digest, text);
    return same(rest, (struct str){ text, sizeof text });
}

/* --- the system's --- */

static bool
matches_crypt(struct str stored, struct str password)
{
    char setting[STORED_MAX], phrase[CRYPT_MAX_PASSPHRASE_SIZE + 1];
    if (stored.n >= sizeof setting || password.n >= sizeof phrase ||
        (password.n && memchr(password.p, '\0', password.n)))
        return false;
    struct crypt_data *data = calloc(1, sizeof *data);
    if (data == NULL)
        return false;
    memcpy(setting, stored.p, stored.n);
    setting[stored.n] = '\0';
    memcpy(phrase, password.p, password.n);
    phrase[password.n] = '\0';
    const char *made = crypt_rn(phrase, setting, data, sizeof *data);
    bool fine = made && same(str_of(made), stored);
    explicit_bzero(phrase, sizeof phrase);
    explicit_bzero(data, sizeof *data);
    free(data);
    return fine;
}

bool
password_matches(struct str stored, struct str password)
{
    if (str_starts(stored, STR("{PLAIN}")))
        return same(str_skip(stored, 7), password);
    if (str_starts(stored, STR("{SHA}")))
        return matches_sha(str_skip(stored, 5), password, false);
    if (str_starts(stored, STR("{SSHA}")))
        return matches_sha(str_skip(stored, 6), password, true);
    if (str_starts(stored, STR("$apr1$")))
        return matches_apr1(stored, password);
    return matches_crypt(stored, password);
}
