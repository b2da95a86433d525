/* What is wrong with a certificate that OpenSSL has nothing against: it will fail in browsers, now
 * or soon. Asked of the parts that need no public key, as thousands are asked at each start. */
#include "tls/certificate.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { DAY = 24 * 3600, SOON_DAYS = 21, RSA_WEAK = 2048, EC_WEAK = 224 };

struct asking {
    const struct certificate *c;
    time_t now;
    certificate_tell_fn *tell;
    void *arg;
};

static void __attribute__((format(printf, 2, 3)))
say(const struct asking *q, const char *format, ...)
{
    char text[1024];
    va_list args;
    int head = snprintf(text, sizeof text, "certificate \"" STR_FMT "\" ", STR_ARG(q->c->path));
    size_t n = (size_t)head < sizeof text ? (size_t)head : sizeof text - 1;
    va_start(args, format);
    vsnprintf(text + n, sizeof text - n, format, args);
    va_end(args);
    q->tell(q->arg, str_of(text));
}

/* "/CN=x" or "CN = x", whatever a name has; cut when it is long. */
static const char *
name_text(X509_NAME *name, char *out, size_t n)
{
    BIO *b = BIO_new(BIO_s_mem());
    int size = b && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0
                   ? BIO_read(b, out, (int)n - 1)
                   : 0;
    out[size > 0 ? size : 0] = '\0';
    BIO_free(b);
    return out;
}

static const char *
plural(long n)
{
    return n == 1 ? "" : "s";
}

/* --- dates --- */

static int
days_between(time_t from, time_t to)
{
    time_t seconds = to - from;
    return (int)(seconds >= 0 ? seconds / DAY : -((-seconds + DAY - 1) / DAY));
}

static void
check_dates(const struct asking *q)
{
    int left = certificate_days_left(q->c, q->now);
    if (q->c->not_after < q->now) {
        int ago = days_between(q->c->not_after, q->now);
        say(q, "has expired %d day%s ago", ago, plural(ago));
    } else if (q->c->not_before > q->now) {
        int days = days_between(q->now, q->c->not_before);
        say(q, "is not valid yet, not before %d day%s from now", days, plural(days));
    } else if (left <= SOON_DAYS) {
        say(q, "expires in %d day%s", left, plural(left));
    }
}

static void
check_chain_dates(const struct asking *q)
{
    char name[256];
    time_t now = q->now;
    for (int i = 0; i < sk_X509_num(q->c->chain); i++) {
        X509 *x = sk_X509_value(q->c->chain, i);
        if (X509_cmp_time(X509_get0_notAfter(x), &now) < 0)
            say(q, "has the expired certificate of \"%s\" in its chain",
                name_text(X509_get_subject_name(x), name, sizeof name));
    }
}

void
certificate_check_dates(const struct certificate *c, time_t now, certificate_tell_fn *tell,
                        void *arg)
{
    struct asking q = { c, now, tell, arg };
    check_dates(&q);
    check_chain_dates(&q);
}

/* --- the chain --- */

static bool
issued(const X509 *issuer, const X509 *x)
{
    return X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(x)) == 0;
}

static bool
has_issuer_of(const struct certificate *c, const X509 *x)
{
    bool found = issued(x, x);
    for (int i = 0; !found && i < sk_X509_num(c->chain); i++)
        found = issued(sk_X509_value(c->chain, i), x);
    return found;
}

/* A root is left out of a chain, and what a root has issued is left to clients that know it. */
static void
check_chain(const struct asking *q)
{
    char issuer[256], name[256];
    const struct certificate *c = q->c;
    if (!has_issuer_of(c, c->facts)) {
        say(q,
            "lacks the intermediate certificate of its issuer \"%s\"; many clients will refuse it",
            name_text(X509_get_issuer_name(c->facts), issuer, sizeof issuer));
        return;
    }
    const X509 *last = c->facts;
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        X509 *x = sk_X509_value(c->chain, i);
        if (!issued(x, last)) {
            say(q, "has a chain out of order: \"%s\" comes where its issuer \"%s\" belongs",
                name_text(X509_get_subject_name(x), name, sizeof name),
                name_text(X509_get_issuer_name(last), issuer, sizeof issuer));
            return;
        }
        last = x;
    }
}

/* --- strength --- */

static void
check_key(const struct asking *q)
{
    int bits = EVP_PKEY_get_bits(q->c->key), kind = EVP_PKEY_get_base_id(q->c->key);
    bool rsa = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
    if ((rsa && bits < RSA_WEAK) || (kind == EVP_PKEY_EC && bits < EC_WEAK))
        say(q, "has a weak key: %s of %d bits", rsa ? "RSA" : "EC", bits);
}

/* Nobody checks a root's signature of itself. */
static void
check_signature(const struct asking *q, const X509 *x)
{
    int digest = NID_undef, nid = X509_get_signature_nid(x);
    if (issued(x, x) || !OBJ_find_sigid_algs(nid, &digest, NULL))
        return;
    if (digest == NID_sha1 || digest == NID_md5 || digest == NID_md4 || digest == NID_md2)
        say(q, "has a weak signature in its chain: %s", OBJ_nid2ln(nid));
}

/* --- names --- */

bool
certificate_covers(const struct certificate *c, struct str host)
{
    char address[64];
    unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if (host.n == 0)
        return false;
    if (X509_check_host(c->facts, host.p, host.n, flags, NULL) == 1)
        return true;
    if (host.n >= sizeof address)
        return false;
    memcpy(address, host.p, host.n);
    address[host.n] = '\0';
    return X509_check_ip_asc(c->facts, address, 0) == 1;
}

/* server_name's other forms: expressions, and wildcards at the end, may be anything. */
static bool
may_be_anything(struct str name)
{
    return name.n == 0 || name.p[0] == '~' || str_eq(name, STR("_")) || str_ends(name, STR(".*"));
}

/* "*.example.com" is covered by what covers any one name below; so is ".example.com". */
static bool
covers_name(const struct certificate *c, struct str name)
{
    char below[260];
    bool wild = str_starts(name, STR("*.")), dot = name.p[0] == '.';
    if (!wild && !dot)
        return certificate_covers(c, name);
    struct str rest = str_skip(name, wild ? 1 : 0);
    int n = snprintf(below, sizeof below, "x" STR_FMT, STR_ARG(rest));
    return n > 0 && (size_t)n < sizeof below &&
           (certificate_covers(c, str_of(below)) ||
            (dot && certificate_covers(c, str_skip(rest, 1))));
}

void
certificate_check_names(const struct certificate *c, const struct str *names, unsigned n,
                        certificate_tell_fn *tell, void *arg)
{
    struct asking q = { c, 0, tell, arg };
    for (unsigned i = 0; i < n; i++)
        if (may_be_anything(names[i]) || covers_name(c, names[i]))
            return;
    if (n == 1)
        say(&q, "does not name the server: \"" STR_FMT "\"", STR_ARG(names[0]));
    else if (n > 1)
        say(&q, "names none of the server's %u names: \"" STR_FMT "\"%s", n, STR_ARG(names[0]),
            " and others");
}

void
certificate_check(const struct certificate *c, time_t now, certificate_tell_fn *tell, void *arg)
{
    struct asking q = { c, now, tell, arg };
    certificate_check_dates(c, now, tell, arg);
    check_chain(&q);
    check_key(&q);
    check_signature(&q, c->facts);
    for (int i = 0; i < sk_X509_num(c->chain); i++)
        check_signature(&q, sk_X509_value(c->chain, i));
}

int
certificate_days_left(const struct certificate *c, time_t now)
{
    return days_between(now, c->not_after);
}
