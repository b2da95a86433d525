/* One request on a connection of its own, by HTTP/1.0: responders are asked once in an hour. A
 * short question goes into a GET, as caches before responders like it (RFC 6960 A.1). */
#include "tls/ocsp_fetch.h"

#include "net/conn.h"
#include "tls/ocsp_response.h"
#include "wire/h1.h"

#include <errno.h>
#include <openssl/evp.h>

enum { HEAD_MAX = 8 << 10, GET_MAX = 255, SEND_TIMEOUT_MS = 10000 };

bool
ocsp_url_parse(struct str url, struct ocsp_url *out)
{
    int port;
    if (!str_starts_nocase(url, STR("http://")))
        return false;
    struct str rest = str_skip(url, 7);
    ptrdiff_t slash = str_find(rest, '/');
    out->authority = slash < 0 ? rest : str_head(rest, (size_t)slash);
    out->path = slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return false;
    if (!address_split(out->authority, &out->host, &port) || out->host.n == 0)
        return false;
    out->port = port < 0 ? 80 : (unsigned)port;
    return true;
}

/* Base64 whose bytes mean something else in a URI are escaped. */
static void
put_escaped(struct buf *b, const unsigned char *base64, int n)
{
    for (int i = 0; i < n; i++) {
        char c = (char)base64[i];
        buf_put(b, c == '+'   ? STR("%2B")
                   : c == '/' ? STR("%2F")
                   : c == '=' ? STR("%3D")
                              : (struct str){ &c, 1 });
    }
}

static struct str
write_request(const struct ocsp_url *url, struct str question, struct arena *a)
{
    struct buf b;
    unsigned char *base64 = arena_get(a, question.n * 4 / 3 + 8);
    int n = EVP_EncodeBlock(base64, (const unsigned char *)question.p, (int)question.n);
    bool get = n <= GET_MAX;
    buf_init(&b, a, 1024, 0);
    buf_put(&b, get ? STR("GET ") : STR("POST "));
    buf_put(&b, url->path);
    if (get) {
        if (!str_ends(url->path, STR("/")))
            buf_byte(&b, '/');
        put_escaped(&b, base64, n);
    }
    buf_printf(&b, " HTTP/1.0\r\nHost: " STR_FMT "\r\n", STR_ARG(url->authority));
    if (!get)
        buf_printf(&b, "Content-Type: application/ocsp-request\r\nContent-Length: %zu\r\n",
                   question.n);
    buf_put(&b, STR("\r\n"));
    if (!get)
        buf_put(&b, question);
    return buf_str(&b);
}

/* What is read so far; its end is told by the head's framing or by the peer's. */
struct reading {
    char *p;
    size_t n, cap;
    struct conn *conn;
    uint64_t deadline;
};

/* > 0, 0 at the end, or -errno. */
static ssize_t
read_more(struct reading *r)
{
    if (r->n == r->cap)
        return -EMSGSIZE;
    ssize_t n = conn_read(r->conn, r->p + r->n, r->cap - r->n, r->deadline);
    if (n > 0)
        r->n += (size_t)n;
    return n;
}

static int
read_head(struct reading *r, struct response_head *head, size_t *size)
{
    static const struct h1_limits limits = { .line = HEAD_MAX, .fields = 100 };
    const char *why;
    size_t scanned = 0;
    enum h1_outcome found;
    while ((found = h1_find_head_end((struct str){ r->p, r->n }, &scanned, size)) == H1_MORE) {
        ssize_t n = r->n < HEAD_MAX ? read_more(r) : -EMSGSIZE;
        if (n <= 0)
            return n ? (int)n : -ECONNRESET;
    }
    if (found == H1_BAD ||
        h1_parse_response((struct str){ r->p, *size }, &limits, METHOD_GET, head, &why) != H1_DONE)
        return -EBADMSG;
    return head->framing == FRAMING_CHUNKED ? -EBADMSG : 0; /* not in HTTP/1.0 */
}

static int
read_body(struct reading *r, const struct response_head *head, size_t at, struct str *body)
{
    size_t wanted = head->framing == FRAMING_LENGTH ? head->content_length : SIZE_MAX;
    if (head->status != 200)
        return -ENOENT;
    if (wanted != SIZE_MAX && wanted > r->cap - at)
        return -EMSGSIZE;
    while (r->n - at < wanted) {
        ssize_t n = read_more(r);
        if (n < 0)
            return (int)n;
        if (n == 0 && wanted != SIZE_MAX)
            return -ECONNRESET;
        if (n == 0)
            break;
    }
    *body = str_head((struct str){ r->p + at, r->n - at }, wanted);
    return 0;
}

static int
ask(struct conn *c, struct str request, struct arena *a, struct str *body, unsigned *status,
    uint64_t deadline)
{
    size_t cap = HEAD_MAX + OCSP_RESPONSE_MAX, size = 0;
    struct reading r = { arena_text(a, cap), 0, cap, c, deadline };
    struct response_head head = { 0 };
    fields_init(&head.fields, a);
    int e = conn_write(c, request.p, request.n, SEND_TIMEOUT_MS);
    if (e == 0)
        e = read_head(&r, &head, &size);
    if (e == 0)
        e = read_body(&r, &head, size, body);
    *status = head.status;
    return e;
}

static int
find_addresses(const struct ocsp_url *url, const struct resolver_settings *resolver,
               struct arena *a, struct answer *out, uint64_t deadline)
{
    struct address *literal = arena_new(a, struct address);
    *out = (struct answer){ literal, 1, NEVER };
    if (address_parse(url->authority, 80, literal))
        return 0;
    int e = resolve(url->host, resolver, a, out, deadline);
    for (unsigned i = 0; e == 0 && i < out->n; i++)
        address_set_port(&out->addresses[i], url->port);
    return e;
}

static int
say(struct tls_problem *p, int e, struct str url, const char *what, unsigned status)
{
    if (e == -ENOENT && status)
        tls_problem_say(p, "OCSP responder sent status %u, responder: " STR_FMT, status,
                        STR_ARG(url));
    else if (e == -ETIMEDOUT)
        tls_problem_say(p, "OCSP responder timed out, responder: " STR_FMT, STR_ARG(url));
    else if (e == -EBADMSG || e == -EMSGSIZE)
        tls_problem_say(p, "OCSP responder sent %s response, responder: " STR_FMT,
                        e == -EBADMSG ? "invalid" : "too big", STR_ARG(url));
    else
        tls_problem_say(p, "%s failed (%d: %s), responder: " STR_FMT, what, -e, strerrordesc_np(-e),
                        STR_ARG(url));
    return e;
}

int
ocsp_fetch(struct str text, const struct resolver_settings *resolver, struct str question,
           struct arena *a, struct str *response, uint64_t deadline, struct tls_problem *p)
{
    struct ocsp_url url;
    struct answer at;
    struct conn c;
    unsigned status = 0;
    if (!ocsp_url_parse(text, &url)) {
        tls_problem_say(p, "invalid URL prefix in OCSP responder \"" STR_FMT "\"", STR_ARG(text));
        return -EINVAL;
    }
    int e = find_addresses(&url, resolver, a, &at, deadline);
    if (e < 0)
        return say(p, e, text, "resolve()", 0);
    struct str request = write_request(&url, question, a);
    e = -ENOENT;
    for (unsigned i = 0; i < at.n; i++)
        if ((e = conn_connect(&c, &at.addresses[i], NULL, deadline)) == 0 || e == -ECANCELED)
            break;
    if (e < 0)
        return say(p, e, text, "connect()", 0);
    e = ask(&c, request, a, response, &status, deadline);
    conn_close(&c);
    return e < 0 ? say(p, e, text, "recv()", status) : 0;
}
