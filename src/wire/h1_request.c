/* Reading a request's head (RFC 9112 3): its line, its target in all four forms, its framing. */
#include "wire/h1_parse.h"

/* What a target cannot hold; bytes of 0x80 and above pass, as everybody sends them. */
SCAN(target_end, (c <= 0x20) | (c == 0x7f))
SCAN(path_end, (c == '?') | (c == '#'))
SCAN(authority_end, (c == '/') | (c == '?') | (c == '#') | (c == '@') | (c == '\\'))

enum { VERSION_SIZE = 8 }; /* "HTTP/1.1" */

/* RFC 9112 3.1. Any token is a method; nginx takes capitals, '_' and '-' only, and so do we. */
static enum h1_outcome
parse_method(struct h1_parse *s, struct request_head *out)
{
    const char *from = s->p;
    while (s->p < s->end && ((*s->p >= 'A' && *s->p <= 'Z') || *s->p == '_' || *s->p == '-'))
        s->p++;
    if (s->p == from || s->p == s->end || *s->p != ' ')
        return h1_refuse(s, FAULT_BAD_REQUEST, "invalid method");
    out->method_name = str_between(from, s->p++);
    out->method = method_id(out->method_name);
    return H1_DONE;
}

/* Cuts path and arguments; a fragment belongs to neither. */
static void
cut_path(struct request_head *out, const char *p, const char *end)
{
    const char *path_end = scan_path_end(p, end);
    out->path = str_between(p, path_end);
    out->args = STR_NONE;
    if (path_end == end || *path_end == '#')
        return;
    const char *hash = memchr(path_end, '#', (size_t)(end - path_end));
    out->args = str_between(path_end + 1, hash ? hash : end);
}

bool
h1_cut_target(struct str target, struct request_head *out)
{
    const char *end = target.p + target.n;
    if (target.n == 0 || scan_target_end(target.p, end) != end)
        return false;
    out->target = target;
    cut_path(out, target.p, end);
    return *target.p == '/' || (out->method == METHOD_OPTIONS && str_eq(target, STR("*")));
}

static size_t
scheme_size(struct str target)
{
    size_t n = 0;
    for (; n < target.n; n++) {
        char c = byte_lower(target.p[n]);
        bool inner = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!(c >= 'a' && c <= 'z') && !(inner && n > 0))
            break;
    }
    return n;
}

/* RFC 9112 3.2.2: "http://example.com/path". */
static enum h1_outcome
parse_absolute(struct h1_parse *s, struct request_head *out)
{
    struct str target = out->target;
    size_t n = scheme_size(target);
    if (n == 0 || !str_starts(str_skip(target, n), STR("://")))
        return h1_refuse(s, FAULT_BAD_REQUEST, "invalid request target");
    const char *from = target.p + n + 3, *end = target.p + target.n;
    const char *to = scan_authority_end(from, end);
    if (to == from || (to < end && *to != '/' && *to != '?'))
        return h1_refuse(s, FAULT_BAD_REQUEST, "invalid host in the request target");
    out->scheme = str_head(target, n);
    out->authority = str_between(from, to);
    out->target = str_between(to, end);
    /* RFC 9112 3.2.1: an empty path is sent on as "/". */
    if (to == end || *to == '?')
        out->target = arena_join(out->fields.arena, STR("/"), out->target);
    cut_path(out, out->target.p, out->target.p + out->target.n);
    return H1_DONE;
}

static enum h1_outcome
parse_target(struct h1_parse *s, struct request_head *out)
{
    const char *from = s->p, *to = scan_target_end(from, s->end);
    if (to == s->end || to == from || *to != ' ')
        return h1_refuse(s, FAULT_BAD_REQUEST, "invalid request target");
    out->target = str_between(from, to);
    out->scheme = out->authority = STR_NONE;
    s->p = to + 1;
    if (*from == '/') {
        cut_path(out, from, to);
        return H1_DONE;
    }
    out->args = STR_NONE;
    out->path = out->target;
    if (out->method == METHOD_OPTIONS && str_eq(out->target, STR("*")))
        return H1_DONE; /* RFC 9112 3.2.4 */
    if (out->method != METHOD_CONNECT)
        return parse_absolute(s, out);
    out->authority = out->target; /* RFC 9112 3.2.3 */
    out->path = STR("");
    return H1_DONE;
}

static enum h1_outcome
parse_version(struct h1_parse *s, struct request_head *out)
{
    unsigned version = s->end - s->p >= VERSION_SIZE + 2 ? h1_read_version(s->p) : 0;
    const char *line_end = s->p + VERSION_SIZE;
    if (version == 0)
        return h1_refuse(s, FAULT_BAD_REQUEST, "invalid version");
    if (!h1_is_crlf(line_end, s->end))
        return h1_refuse(s, FAULT_BAD_REQUEST, "garbage after the version");
    if (version >= VERSION_20)
        return h1_refuse(s, FAULT_VERSION, "major version is not 1");
    out->version = (enum version)version;
    s->p = line_end + 2;
    return H1_DONE;
}

static enum h1_outcome
parse_line(struct h1_parse *s, struct request_head *out)
{
    const char *line = s->p;
    if (parse_method(s, out) != H1_DONE || parse_target(s, out) != H1_DONE ||
        parse_version(s, out) != H1_DONE)
        return H1_BAD;
    out->line = str_between(line, s->p - 2);
    return H1_DONE;
}

/* RFC 9112 3.2: exactly one Host in 1.1, never two; RFC 9110 5.3: nor two of what has one value. */
static enum h1_outcome
judge_singles(struct h1_parse *s, const struct request_head *out)
{
    if (s->facts.hosts > 1)
        return h1_refuse(s, FAULT_BAD_HOST, "more than one Host header");
    if (s->facts.hosts == 0 && out->version >= VERSION_11)
        return h1_refuse(s, FAULT_BAD_HOST, "HTTP/1.1 request without Host header");
    if (s->facts.doubled)
        return h1_refuse(s, FAULT_BAD_REQUEST, "duplicate header line");
    return H1_DONE;
}

static enum h1_outcome
judge_coding(struct h1_parse *s, struct request_head *out)
{
    if (s->facts.lengths) /* RFC 9112 6.1 allows refusal; nothing good sends both */
        return h1_refuse(s, FAULT_BAD_REQUEST, "Content-Length together with Transfer-Encoding");
    if (out->version < VERSION_11) /* RFC 9112 6.1 */
        return h1_refuse(s, FAULT_BAD_REQUEST, "Transfer-Encoding in an HTTP/1.0 request");
    switch (h1_read_coding(&s->facts)) {
    case H1_CODING_CHUNKED:
        out->framing = FRAMING_CHUNKED;
        return H1_DONE;
    case H1_CODING_UNKNOWN: /* RFC 9112 6.1: 501 */
        return h1_refuse(s, FAULT_TRANSFER_CODING, "transfer coding that is not known");
    case H1_CODING_BROKEN: /* RFC 9112 6.3: 400 */
        break;
    }
    return h1_refuse(s, FAULT_BAD_REQUEST, "chunked is not the last transfer coding");
}

static enum h1_outcome
judge_framing(struct h1_parse *s, struct request_head *out)
{
    out->framing = FRAMING_NONE;
    out->content_length = 0;
    if (s->facts.codings)
        return judge_coding(s, out);
    if (s->facts.lengths == 0)
        return H1_DONE;
    out->framing = FRAMING_LENGTH;
    if (!h1_read_length(&s->facts, &out->content_length)) /* RFC 9112 6.3 */
        return h1_refuse(s, FAULT_BAD_REQUEST, "invalid or repeated Content-Length");
    return H1_DONE;
}

static void
conclude(const struct h1_facts *facts, struct request_head *out)
{
    bool modern = out->version >= VERSION_11;
    out->keep_alive = h1_is_persistent(facts, out->version);
    out->expect_continue = modern && facts->expects_continue;                 /* RFC 9110 10.1.1 */
    out->upgrade = modern && facts->connection_upgrade && facts->has_upgrade; /* RFC 9110 7.8 */
}

/* The line's length is judged first: a line too long is 414 whatever it says. */
static enum h1_outcome
judge_line_size(struct h1_parse *s)
{
    while (h1_is_crlf(s->p, s->end)) /* RFC 9112 2.2 */
        s->p += 2;
    size_t n = (size_t)(s->end - s->p), most = s->limits->line;
    if (n > most && memchr(s->p, '\n', most) == NULL)
        return h1_refuse(s, FAULT_URI_TOO_LONG, "request line too long");
    return H1_DONE;
}

enum h1_outcome
h1_parse_request(struct str head, const struct h1_limits *limits, struct request_head *out,
                 enum fault *fault, const char **why)
{
    struct h1_parse s = {
        .p = head.p,
        .end = head.p + head.n,
        .limits = limits,
        .side = H1_SIDE_REQUEST,
        .fields = &out->fields,
    };
    if (judge_line_size(&s) != H1_DONE || parse_line(&s, out) != H1_DONE ||
        h1_parse_fields(&s) != H1_DONE || judge_singles(&s, out) != H1_DONE ||
        judge_framing(&s, out) != H1_DONE) {
        *fault = s.fault;
        *why = s.why;
        return H1_BAD;
    }
    conclude(&s.facts, out);
    return H1_DONE;
}
