/* tls/certificate: what an operator is told of a certificate before its users find out. */
#include "tls/certificate.h"

#include "mint.h"

#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

struct told {
    unsigned n;
    char text[2000];
};

static void
note(void *arg, struct str sentence)
{
    struct told *t = arg;
    size_t n = strlen(t->text);
    snprintf(t->text + n, sizeof t->text - n, STR_FMT "\n", STR_ARG(sentence));
    t->n++;
}

/* A certificate of `m`, whose chain is `above`, about a server of one name. */
static struct told
check_days(struct mint m, X509 *above, const char *name, int days_on)
{
    struct told told = { 0 };
    struct tls_problem p;
    EVP_PKEY *key = m.key = m.key ? m.key : mint_key("EC");
    X509 *x = mint_certificate(&m);
    char *chain = above ? mint_pem(above) : strdup("");
    char *pem = mint_join(mint_pem(x), chain), *key_pem = mint_key_pem(key, false, NULL);
    struct certificate_input in = { .path = STR("a.crt"),
                                    .pem = str_of(pem),
                                    .key_pem = str_of(key_pem) };
    struct str names[] = { str_of(name) };
    struct certificate *c = certificate_get(&in, &p);
    if (c == NULL)
        fail_msg("%s", p.text);
    certificate_check(c, time(NULL) + 3600 + days_on * 24L * 3600, note, &told);
    certificate_check_names(c, names, name ? 1 : 0, note, &told);
    certificate_drop(c);
    X509_free(x);
    EVP_PKEY_free(key);
    free(chain);
    free(pem);
    free(key_pem);
    return told;
}

static struct told
check(struct mint m, X509 *above, const char *name)
{
    return check_days(m, above, name, 0);
}

static void
assert_told(struct told t, const char *sentence)
{
    if (t.n != 1 || !strstr(t.text, sentence))
        fail_msg("%u told: %s", t.n, t.text);
}

static void
a_good_certificate_is_not_spoken_of(void **state)
{
    struct told t = check((struct mint){ .name = "a.example" }, NULL, "a.example");
    assert_string_equal(t.text, "");
    t = check((struct mint){ .name = "a.example", .names = "DNS:*.example.com" }, NULL,
              "*.example.com");
    assert_string_equal(t.text, "");
    t = check((struct mint){ .name = "a.example", .names = "DNS:example.org" }, NULL,
              ".example.org");
    assert_string_equal(t.text, "");
    t = check((struct mint){ .name = "a", .names = "IP:127.0.0.1" }, NULL, "127.0.0.1");
    assert_string_equal(t.text, "");
    t = check((struct mint){ .name = "a" }, NULL, "~^b");
    assert_string_equal(t.text, "");
}

static void
dates_are_told_in_days(void **state)
{
    struct mint m = { .name = "a", .from_days = -10, .to_days = 30 };
    assert_string_equal(check_days(m, NULL, "a", 0).text, "");
    assert_told(check_days(m, NULL, "a", 10), "certificate \"a.crt\" expires in 19 days");
    assert_told(check_days(m, NULL, "a", 28), "certificate \"a.crt\" expires in 1 day\n");
    assert_told(check_days(m, NULL, "a", 33), "certificate \"a.crt\" has expired 3 days ago");
    assert_told(check_days(m, NULL, "a", -13), "is not valid yet, not before 2 days from now");
}

static void
a_chain_with_a_hole_is_told(void **state)
{
    EVP_PKEY *key = mint_key("EC");
    struct mint m = { .name = "a", .issuer = "between", .signer = key };
    X509 *between = mint_certificate(
        &(struct mint){ .name = "between", .key = key, .issuer = "root", .authority = true });
    X509 *other = mint_certificate(&(struct mint){ .name = "other", .authority = true });
    X509 *old = mint_certificate(&(struct mint){
        .name = "between", .key = key, .authority = true, .from_days = -9, .to_days = -2 });
    assert_string_equal(check(m, between, "a").text, "");
    assert_told(check(m, NULL, "a"), "lacks the intermediate certificate of its issuer "
                                     "\"CN=between\"");
    assert_told(check(m, other, "a"), "lacks the intermediate");
    assert_told(check(m, old, "a"), "has the expired certificate of \"CN=between\" in its chain");
    assert_told(check((struct mint){ .name = "a" }, other, "a"),
                "has a chain out of order: \"CN=other\" comes where its issuer \"CN=a\" belongs");
    X509_free(between);
    X509_free(other);
    X509_free(old);
    EVP_PKEY_free(key);
}

static void
weak_keys_and_signatures_are_told(void **state)
{
    EVP_PKEY *key = mint_key("EC");
    X509 *ca = mint_certificate(
        &(struct mint){ .name = "ca", .key = key, .authority = true, .digest = "SHA1" });
    struct mint m = { .name = "a", .issuer = "ca", .signer = key, .digest = "SHA1" };
    assert_told(check(m, ca, "a"), "has a weak signature in its chain: ecdsa-with-SHA1");
    m = (struct mint){ .name = "a", .key = mint_key("RSA1024") };
    assert_told(check(m, NULL, "a"), "has a weak key: RSA of 1024 bits");
    X509_free(ca);
    EVP_PKEY_free(key);
}

static void
names_that_are_not_covered_are_told(void **state)
{
    struct mint m = { .name = "a.example" };
    assert_told(check(m, NULL, "b.example"), "does not name the server: \"b.example\"");
    assert_told(check(m, NULL, "*.example"), "does not name the server");
    assert_told(check(m, NULL, ".example"), "does not name the server");
    m.names = "DNS:*.example.com";
    assert_told(check(m, NULL, "a.b.example.com"), "does not name the server");
    m.names = "DNS:other"; /* what is only in the subject counts for nothing */
    assert_told(check(m, NULL, "a.example"), "does not name the server");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_is_not_spoken_of),
        cmocka_unit_test(dates_are_told_in_days),
        cmocka_unit_test(a_chain_with_a_hole_is_told),
        cmocka_unit_test(weak_keys_and_signatures_are_told),
        cmocka_unit_test(names_that_are_not_covered_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
