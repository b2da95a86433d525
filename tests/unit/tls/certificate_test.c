/* tls/certificate: what is read, what is shared and what is said of what is broken. */
#include "tls/certificate.h"

#include "mint.h"

#include "../test.h"

#include <openssl/err.h>
#include <stdlib.h>

struct pair { /* a certificate and its key, as files hold them */
    EVP_PKEY *key;
    X509 *x;
    char *pem, *key_pem;
};

static struct pair
make_pair(const char *kind, bool traditional, const char *password)
{
    struct pair p = { .key = mint_key(kind) };
    p.x = mint_certificate(&(struct mint){
        .name = "a.example",
        .key = p.key,
        .digest = strcmp(kind, "ED25519") == 0 ? "" : NULL,
    });
    p.pem = mint_pem(p.x);
    p.key_pem = mint_key_pem(p.key, traditional, password);
    return p;
}

static void
free_pair(struct pair *p)
{
    EVP_PKEY_free(p->key);
    X509_free(p->x);
    free(p->pem);
    free(p->key_pem);
}

static struct certificate_input
input_of(const struct pair *p)
{
    return (struct certificate_input){ .path = STR("/a.crt"),
                                       .key_path = STR("/a.key"),
                                       .pem = str_of(p->pem),
                                       .key_pem = str_of(p->key_pem) };
}

static void
assert_refused(const struct certificate_input *in, const char *why)
{
    struct tls_problem p = { "" };
    assert_null(certificate_get(in, &p));
    if (!strstr(p.text, why))
        fail_msg("\"%s\" lacks \"%s\"", p.text, why);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
assert_kind_is_read(const char *kind, bool traditional)
{
    struct tls_problem problem;
    struct pair p = make_pair(kind, traditional, NULL);
    struct certificate_input in = input_of(&p);
    struct certificate *c = certificate_get(&in, &problem);
    assert_non_null(c);
    assert_int_equal(X509_cmp(certificate_leaf(c), p.x), 0);
    assert_non_null(X509_get0_pubkey(certificate_leaf(c)));
    assert_int_equal(EVP_PKEY_eq(c->key, p.key), 1);
    assert_int_equal(sk_X509_num(c->chain), 0);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_cert_and_key(context, certificate_leaf(c), c->key, c->chain, 1),
                     1);
    SSL_CTX_free(context);
    assert_int_equal(ERR_peek_error(), 0);
    certificate_drop(c);
    free_pair(&p);
}

static void
every_kind_of_key_is_read(void **state)
{
    assert_kind_is_read("EC", true);
    assert_kind_is_read("EC", false);
    assert_kind_is_read("RSA2048", true);
    assert_kind_is_read("RSA2048", false);
    assert_kind_is_read("ED25519", false);
}

static void
the_same_bytes_are_the_same_object_while_somebody_holds_it(void **state)
{
    struct tls_problem problem;
    struct pair p = make_pair("EC", false, NULL);
    struct certificate_input in = input_of(&p);
    struct certificate *first = certificate_get(&in, &problem);
    struct certificate *again = certificate_get(&in, &problem);
    assert_ptr_equal(first, again);
    in.path = STR("/b.crt"); /* messages would name the wrong file */
    struct certificate *other = certificate_get(&in, &problem);
    assert_ptr_not_equal(first, other);
    certificate_drop(first);
    certificate_hold(again);
    certificate_drop(again);
    certificate_drop(again);
    certificate_drop(other);
    free_pair(&p);
}

static void
a_chain_and_a_key_may_stand_in_one_text(void **state)
{
    struct tls_problem problem;
    struct pair p = make_pair("EC", false, NULL);
    X509 *issuer = mint_certificate(&(struct mint){ .name = "ca", .authority = true });
    char *issuer_pem = mint_pem(issuer);
    char *all =
        mint_join(mint_join(mint_join(strdup("words before\n"), p.key_pem), p.pem), issuer_pem);
    struct certificate_input in = { .path = STR("/all.pem"), .pem = str_of(all) };
    struct certificate *c = certificate_get(&in, &problem);
    assert_non_null(c);
    assert_int_equal(sk_X509_num(c->chain), 1);
    assert_int_equal(X509_cmp(sk_X509_value(c->chain, 0), issuer), 0);
    assert_true(str_eq(c->key_path, STR("/all.pem")));
    certificate_drop(c);
    X509_free(issuer);
    free(all);
    free(issuer_pem);
    free_pair(&p);
}

static void
passwords_are_tried_in_order(void **state)
{
    struct tls_problem problem;
    for (unsigned traditional = 0; traditional < 2; traditional++) {
        struct pair p = make_pair("EC", traditional, "secret");
        struct str passwords[] = { STR("wrong"), STR(""), STR("secret") };
        struct certificate_input in = input_of(&p);
        assert_refused(&in, "cannot load certificate key \"/a.key\": "
                            "PEM_read_bio_PrivateKey() failed (SSL: error:");
        in.passwords = passwords;
        in.n_passwords = 2;
        assert_refused(&in, "cannot load certificate key");
        in.n_passwords = 3;
        struct certificate *c = certificate_get(&in, &problem);
        assert_non_null(c);
        certificate_drop(c);
        free_pair(&p);
    }
}

static void
what_is_broken_is_named(void **state)
{
    struct pair p = make_pair("EC", false, NULL), q = make_pair("EC", false, NULL);
    struct pair rsa = make_pair("RSA2048", true, NULL);
    struct certificate_input in = input_of(&p);
    in.pem = STR("");
    assert_refused(&in, "cannot load certificate \"/a.crt\": PEM_read_bio_X509_AUX() failed (SSL: "
                        "error:0480006C:PEM routines::no start line:Expecting: TRUSTED "
                        "CERTIFICATE)");
    in.pem = str_of(p.key_pem);
    assert_refused(&in, "no start line");
    in.pem = str_head(str_of(p.pem), strlen(p.pem) / 2);
    assert_refused(&in, "PEM_read_bio_X509_AUX() failed (SSL: error:");
    in.pem = STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_refused(&in, "PEM_read_bio_X509_AUX() failed (SSL: error:");
    p.pem = mint_join(p.pem, in.pem.p);
    in.pem = str_of(p.pem);
    assert_refused(&in, "cannot load certificate \"/a.crt\": PEM_read_bio_X509() failed (SSL: ");
    in = input_of(&q);
    in.key_pem = STR("nothing");
    assert_refused(&in, "cannot load certificate key \"/a.key\": PEM_read_bio_PrivateKey() failed");
    in.key_pem = str_of(p.key_pem);
    assert_refused(&in, "certificate key \"/a.key\" does not match certificate \"/a.crt\": "
                        "X509_check_private_key() failed (SSL: error:05800074:x509 certificate "
                        "routines::key values mismatch)");
    in.key_pem = str_of(rsa.key_pem);
    assert_refused(&in, "key type mismatch");
    free_pair(&p);
    free_pair(&q);
    free_pair(&rsa);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_key_is_read),
        cmocka_unit_test(the_same_bytes_are_the_same_object_while_somebody_holds_it),
        cmocka_unit_test(a_chain_and_a_key_may_stand_in_one_text),
        cmocka_unit_test(passwords_are_tried_in_order),
        cmocka_unit_test(what_is_broken_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
