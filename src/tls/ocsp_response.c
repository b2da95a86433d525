/* OpenSSL decodes and verifies; what has to be said is whom it may believe. */
#include "tls/ocsp_response.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

enum { CLOCK_SKEW_S = 300 };

bool
ocsp_question(const struct ocsp_subject *s, struct arena *a, struct str *der)
{
    unsigned char *bytes = NULL;
    int n = 0;
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, s->x, s->issuer);
    if (request && id && OCSP_request_add0_id(request, id)) {
        id = NULL; /* the request's */
        n = i2d_OCSP_REQUEST(request, &bytes);
    }
    if (n > 0)
        *der = arena_dup(a, (struct str){ (const char *)bytes, (size_t)n });
    OPENSSL_free(bytes);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    ERR_clear_error();
    return n > 0;
}

static OCSP_BASICRESP *
decode(struct str der, struct tls_problem *p)
{
    const unsigned char *at = (const unsigned char *)der.p;
    OCSP_BASICRESP *basic = NULL;
    OCSP_RESPONSE *r =
        der.n <= OCSP_RESPONSE_MAX ? d2i_OCSP_RESPONSE(NULL, &at, (long)der.n) : NULL;
    if (r == NULL) {
        tls_problem_take(p, "d2i_OCSP_RESPONSE() failed");
        return NULL;
    }
    int status = OCSP_response_status(r);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        tls_problem_say(p, "OCSP response not successful (%d: %s)", status,
                        OCSP_response_status_str(status));
    } else {
        basic = OCSP_response_get1_basic(r);
        if (basic == NULL)
            tls_problem_take(p, "OCSP_response_get1_basic() failed");
    }
    OCSP_RESPONSE_free(r);
    return basic;
}

/* By the issuer or whom it allowed to: it alone is trusted here, whoever issued it. */
static bool
is_of_issuer(OCSP_BASICRESP *basic, const struct ocsp_subject *s)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *known = sk_X509_new_null();
    bool fine = store && known && X509_STORE_add_cert(store, s->issuer) == 1 &&
                sk_X509_push(known, s->issuer) > 0 &&
                X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
                OCSP_basic_verify(basic, known, store, 0) == 1;
    sk_X509_free(known);
    X509_STORE_free(store);
    return fine;
}

static bool
leads_to_trusted(OCSP_BASICRESP *basic, const struct ocsp_subject *s)
{
    STACK_OF(X509) *known = s->chain ? sk_X509_dup(s->chain) : sk_X509_new_null();
    bool fine = known && sk_X509_push(known, s->issuer) > 0 &&
                OCSP_basic_verify(basic, known, s->trusted, 0) == 1;
    sk_X509_free(known);
    return fine;
}

static bool
verify(OCSP_BASICRESP *basic, const struct ocsp_subject *s, struct tls_problem *p)
{
    ERR_clear_error();
    if (is_of_issuer(basic, s) && (s->trusted == NULL || leads_to_trusted(basic, s)))
        return true;
    tls_problem_take(p, "OCSP_basic_verify() failed");
    return false;
}

static time_t
moment(const ASN1_GENERALIZEDTIME *t)
{
    struct tm tm;
    return t && ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

static bool
find(OCSP_BASICRESP *basic, OCSP_CERTID *id, struct ocsp_answer *out, struct tls_problem *p)
{
    int status;
    ASN1_GENERALIZEDTIME *updated, *next;
    if (OCSP_resp_find_status(basic, id, &status, NULL, NULL, &updated, &next) != 1) {
        tls_problem_say(p, "certificate status not found in the OCSP response");
        return false;
    }
    if (OCSP_check_validity(updated, next, CLOCK_SKEW_S, -1) != 1) {
        tls_problem_take(p, "OCSP_check_validity() failed");
        return false;
    }
    out->verdict = status == V_OCSP_CERTSTATUS_GOOD      ? OCSP_GOOD
                   : status == V_OCSP_CERTSTATUS_REVOKED ? OCSP_REVOKED
                                                         : OCSP_UNKNOWN;
    out->until = moment(next);
    return true;
}

bool
ocsp_response_read(const struct ocsp_subject *s, struct str der, struct ocsp_answer *out,
                   struct tls_problem *p)
{
    ERR_clear_error();
    OCSP_CERTID *id = NULL;
    OCSP_BASICRESP *basic = decode(der, p);
    bool fine = basic && verify(basic, s, p);
    if (fine && (id = OCSP_cert_to_id(NULL, s->x, s->issuer)) == NULL) {
        tls_problem_take(p, "OCSP_cert_to_id() failed");
        fine = false;
    }
    fine = fine && find(basic, id, out, p);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    ERR_clear_error();
    return fine;
}
