/* tls/ocsp_response: which answers are believed, and tls/ocsp_fetch's URLs, tls/ocsp_cache. */
#include "tls/ocsp_response.h"

#include "mint.h"
#include "tls/ocsp_cache.h"
#include "tls/ocsp_fetch.h"

#include "../test.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdlib.h>

enum { HOUR = 3600 };

struct stage {
    EVP_PKEY *ca_key, *key;
    X509 *ca, *leaf;
    struct arena arena;
};

static int
open_stage(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    s->ca_key = mint_key("EC");
    s->key = mint_key("EC");
    s->ca = mint_certificate(&(struct mint){ .name = "ca", .key = s->ca_key, .authority = true });
    s->leaf = mint_certificate(
        &(struct mint){ .name = "a", .key = s->key, .issuer = "ca", .signer = s->ca_key });
    arena_init(&s->arena, 0);
    *state = s;
    return 0;
}

static int
close_stage(void **state)
{
    struct stage *s = *state;
    X509_free(s->ca);
    X509_free(s->leaf);
    EVP_PKEY_free(s->ca_key);
    EVP_PKEY_free(s->key);
    arena_fini(&s->arena);
    free(s);
    return 0;
}

/* What a responder would say: of whom, signed by whom, from and to these seconds from now. */
struct saying {
    X509 *of, *signer;
    EVP_PKEY *signer_key;
    int status, from, to; /* to 0: not said */
};

static struct str
respond(struct stage *s, const struct saying *say)
{
    unsigned char *der = NULL;
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, say->of, s->ca);
    ASN1_TIME *from = X509_gmtime_adj(NULL, say->from), *to = X509_gmtime_adj(NULL, say->to);
    assert_non_null(
        OCSP_basic_add1_status(basic, id, say->status, 0, from, from, say->to ? to : NULL));
    assert_int_equal(OCSP_basic_sign(basic, say->signer, say->signer_key, EVP_sha256(), NULL, 0),
                     1);
    OCSP_RESPONSE *r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int n = i2d_OCSP_RESPONSE(r, &der);
    struct str out = arena_dup(&s->arena, (struct str){ (const char *)der, (size_t)n });
    OPENSSL_free(der);
    OCSP_RESPONSE_free(r);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return out;
}

static struct saying
good(struct stage *s)
{
    return (struct saying){ s->leaf, s->ca, s->ca_key, V_OCSP_CERTSTATUS_GOOD, -HOUR, HOUR };
}

static bool
is_read(struct stage *s, struct str der, struct ocsp_answer *out, struct tls_problem *p)
{
    struct ocsp_subject subject = { s->leaf, s->ca, NULL, NULL };
    bool fine = ocsp_response_read(&subject, der, out, p);
    assert_int_equal(ERR_peek_error(), 0);
    return fine;
}

static void
assert_disbelieved(struct stage *s, const struct saying *say, const char *why)
{
    struct ocsp_answer answer;
    struct tls_problem p;
    assert_false(is_read(s, respond(s, say), &answer, &p));
    if (!strstr(p.text, why))
        fail_msg("\"%s\" lacks \"%s\"", p.text, why);
}

static void
the_issuers_word_is_believed(void **state)
{
    struct stage *s = *state;
    struct ocsp_answer answer;
    struct tls_problem p;
    struct saying say = good(s);
    assert_true(is_read(s, respond(s, &say), &answer, &p));
    assert_int_equal(answer.verdict, OCSP_GOOD);
    assert_in_range(answer.until, time(NULL) + HOUR - 60, time(NULL) + HOUR);
    say.status = V_OCSP_CERTSTATUS_REVOKED;
    say.to = 0;
    assert_true(is_read(s, respond(s, &say), &answer, &p));
    assert_int_equal(answer.verdict, OCSP_REVOKED);
    assert_int_equal(answer.until, 0);
    say.status = V_OCSP_CERTSTATUS_UNKNOWN;
    assert_true(is_read(s, respond(s, &say), &answer, &p));
    assert_int_equal(answer.verdict, OCSP_UNKNOWN);
}

static void
what_is_not_of_now_is_not_believed(void **state)
{
    struct stage *s = *state;
    struct saying say = good(s);
    say.from = -2 * HOUR;
    say.to = -HOUR;
    assert_disbelieved(s, &say, "OCSP_check_validity() failed (SSL: error:");
    say.from = HOUR;
    say.to = 2 * HOUR;
    assert_disbelieved(s, &say, "status not yet valid");
}

static void
nobody_else_is_believed(void **state)
{
    struct stage *s = *state;
    struct saying say = good(s);
    EVP_PKEY *key = mint_key("EC");
    X509 *impostor =
        mint_certificate(&(struct mint){ .name = "ca", .key = key, .authority = true });
    X509 *sibling = mint_certificate(
        &(struct mint){ .name = "b", .key = key, .issuer = "ca", .signer = s->ca_key });
    say.signer_key = key;
    say.signer = impostor;
    assert_disbelieved(s, &say, "OCSP_basic_verify() failed");
    say.signer = sibling; /* of the same issuer, but not allowed to speak for it */
    assert_disbelieved(s, &say, "OCSP_basic_verify() failed");
    say = good(s);
    say.of = sibling;
    assert_disbelieved(s, &say, "certificate status not found in the OCSP response");
    X509_free(impostor);
    X509_free(sibling);
    EVP_PKEY_free(key);
}

static void
whom_the_issuer_allowed_is_believed(void **state)
{
    struct stage *s = *state;
    struct saying say = good(s);
    struct ocsp_answer answer;
    struct tls_problem p;
    EVP_PKEY *key = mint_key("EC");
    X509 *responder = mint_certificate(&(struct mint){
        .name = "r", .key = key, .issuer = "ca", .signer = s->ca_key, .usage = "OCSPSigning" });
    say.signer = responder;
    say.signer_key = key;
    if (!is_read(s, respond(s, &say), &answer, &p))
        fail_msg("%s", p.text);
    X509_free(responder);
    EVP_PKEY_free(key);
}

static void
an_issuer_must_lead_to_those_who_are_trusted(void **state)
{
    struct stage *s = *state;
    struct saying say = good(s);
    struct ocsp_answer answer;
    struct tls_problem p;
    X509_STORE *store = X509_STORE_new();
    struct ocsp_subject subject = { s->leaf, s->ca, NULL, store };
    assert_false(ocsp_response_read(&subject, respond(s, &say), &answer, &p));
    X509_STORE_add_cert(store, s->ca);
    assert_true(ocsp_response_read(&subject, respond(s, &say), &answer, &p));
    X509_STORE_free(store);
}

static void
a_torn_response_is_refused_at_every_byte(void **state)
{
    struct stage *s = *state;
    struct saying say = good(s);
    struct ocsp_answer answer;
    struct tls_problem p;
    struct str whole = respond(s, &say), refused;
    for (size_t n = 0; n < whole.n; n++)
        assert_false(is_read(s, str_head(whole, n), &answer, &p));
    unsigned char *der = NULL;
    OCSP_RESPONSE *r = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
    refused.n = (size_t)i2d_OCSP_RESPONSE(r, &der);
    refused.p = (const char *)der;
    assert_false(is_read(s, refused, &answer, &p));
    assert_string_equal(p.text, "OCSP response not successful (3: trylater)");
    OPENSSL_free(der);
    OCSP_RESPONSE_free(r);
}

static void
a_question_names_its_subject(void **state)
{
    struct stage *s = *state;
    struct ocsp_subject subject = { s->leaf, s->ca, NULL, NULL };
    struct str der;
    assert_true(ocsp_question(&subject, &s->arena, &der));
    const unsigned char *at = (const unsigned char *)der.p;
    OCSP_REQUEST *r = d2i_OCSP_REQUEST(NULL, &at, (long)der.n);
    assert_int_equal(OCSP_request_onereq_count(r), 1);
    OCSP_REQUEST_free(r);
}

static void
a_responders_url_is_plain_http(void **state)
{
    struct ocsp_url url;
    assert_true(ocsp_url_parse(STR("http://o.example"), &url));
    assert_true(str_eq(url.host, STR("o.example")) && str_eq(url.path, STR("/")));
    assert_int_equal(url.port, 80);
    assert_true(ocsp_url_parse(STR("http://[::1]:8080/a/b"), &url));
    assert_true(str_eq(url.authority, STR("[::1]:8080")) && str_eq(url.path, STR("/a/b")));
    assert_int_equal(url.port, 8080);
    assert_false(ocsp_url_parse(STR("https://o.example/"), &url));
    assert_false(ocsp_url_parse(STR("http:///a"), &url));
    assert_false(ocsp_url_parse(STR("http://a/b\r\nX: y"), &url));
    assert_false(ocsp_url_parse(STR(""), &url));
}

static void
a_cache_keeps_what_holds(void **state)
{
    unsigned char key[OCSP_KEY] = { 1 };
    enum ocsp_verdict verdict;
    struct ocsp_cache *c = ocsp_cache_get(STR("a"), 4096);
    assert_ptr_equal(ocsp_cache_get(STR("a"), 4096), c);
    ocsp_cache_put(c, key, &(struct ocsp_answer){ OCSP_REVOKED, 100 });
    assert_true(ocsp_cache_find(c, key, 99, &verdict));
    assert_int_equal(verdict, OCSP_REVOKED);
    assert_false(ocsp_cache_find(c, key, 100, &verdict));
    for (unsigned i = 0; i < 1000; i++) { /* far more than there is room for */
        key[0] = (unsigned char)i;
        key[9] = (unsigned char)(i >> 8);
        ocsp_cache_put(c, key, &(struct ocsp_answer){ OCSP_GOOD, 200 + i });
    }
    assert_true(ocsp_cache_find(c, key, 100, &verdict));
    assert_int_equal(verdict, OCSP_GOOD);
    ocsp_cache_drop(c);
    ocsp_cache_drop(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_issuers_word_is_believed),
        cmocka_unit_test(what_is_not_of_now_is_not_believed),
        cmocka_unit_test(nobody_else_is_believed),
        cmocka_unit_test(whom_the_issuer_allowed_is_believed),
        cmocka_unit_test(an_issuer_must_lead_to_those_who_are_trusted),
        cmocka_unit_test(a_torn_response_is_refused_at_every_byte),
        cmocka_unit_test(a_question_names_its_subject),
        cmocka_unit_test(a_responders_url_is_plain_http),
        cmocka_unit_test(a_cache_keeps_what_holds),
    };
    return cmocka_run_group_tests(tests, open_stage, close_stage);
}
