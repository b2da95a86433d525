/* Reading a response's head (RFC 9112 4): its status line and its framing.
 *
 * The framing is judged as strictly as a request's: a backend that frames its answers two ways
 * would put one client's bytes into another's answer. */
#include "wire/h1_parse.h"

enum { STATUS_LINE_MIN = 14 }; /* "HTTP/1.1 200" CRLF */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum h1_outcome
parse_status(struct h1_parse *s, struct response_head *out)
{
    const char *p = s->p + 9;
    if (p[-1] != ' ' || !is_digit(p[0]) || !is_digit(p[1]) || !is_digit(p[2]) || p[0] == '0')
        return h1_refuse(s, FAULT_UPSTREAM_INVALID, "invalid status");
    out->status = (unsigned)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
    s->p = p + 3;
    return H1_DONE;
}

/* The phrase may be missing, and the blank before it too: nothing depends on either. */
static enum h1_outcome
parse_reason(struct h1_parse *s, struct response_head *out)
{
    const char *from = s->p, *to = scan_control(from, s->end);
    if (!h1_is_crlf(to, s->end))
        return h1_refuse(s, FAULT_UPSTREAM_INVALID, h1_control_why(to, s->end));
    if (to > from && *from != ' ')
        return h1_refuse(s, FAULT_UPSTREAM_INVALID, "invalid status");
    out->reason = to > from ? str_between(from + 1, to) : STR_NONE;
    s->p = to + 2;
    return H1_DONE;
}

static enum h1_outcome
parse_line(struct h1_parse *s, struct response_head *out)
{
    unsigned version = s->end - s->p >= STATUS_LINE_MIN ? h1_read_version(s->p) : 0;
    if (version == 0 || version >= VERSION_20)
        return h1_refuse(s, FAULT_UPSTREAM_INVALID, "upstream sent no valid HTTP/1.0 header");
    out->version = (enum version)version;
    if (parse_status(s, out) != H1_DONE)
        return H1_BAD;
    return parse_reason(s, out);
}

/* RFC 9112 6.3, 1 and 2. */
static bool
is_bodiless(const struct response_head *out, enum method to)
{
    return to == METHOD_HEAD || out->status < 200 || out->status == 204 || out->status == 304 ||
           (to == METHOD_CONNECT && out->status < 300);
}

static enum h1_outcome
judge_framing(struct h1_parse *s, struct response_head *out, enum method to)
{
    const struct h1_facts *facts = &s->facts;
    out->content_length = 0;
    if (facts->codings && facts->lengths)
        return h1_refuse(s, FAULT_UPSTREAM_INVALID,
                         "Content-Length together with Transfer-Encoding");
    if (facts->codings && h1_read_coding(facts) != H1_CODING_CHUNKED)
        return h1_refuse(s, FAULT_UPSTREAM_INVALID, "unknown or repeated transfer coding");
    if (facts->lengths && !h1_read_length(facts, &out->content_length))
        return h1_refuse(s, FAULT_UPSTREAM_INVALID, "invalid or repeated Content-Length");
    if (is_bodiless(out, to))
        out->framing = FRAMING_NONE;
    else if (facts->codings)
        out->framing = FRAMING_CHUNKED;
    else
        out->framing = facts->lengths ? FRAMING_LENGTH : FRAMING_CLOSE;
    return H1_DONE;
}

/* May another request follow on the connection? Not when the body's end is the connection's, nor
 * after a 1.0 message with Transfer-Encoding (RFC 9112 6.1), nor when a 204 announced a body
 * that its sender may yet send (RFC 9110 8.6). */
static bool
is_reusable(const struct h1_facts *facts, const struct response_head *out)
{
    bool announced = facts->codings || out->content_length > 0;
    if (out->framing == FRAMING_CLOSE || (facts->codings && out->version < VERSION_11))
        return false;
    if (announced && (out->status == 204 || out->status < 200))
        return false;
    return h1_is_persistent(facts, out->version);
}

enum h1_outcome
h1_parse_response(struct str head, const struct h1_limits *limits, enum method to,
                  struct response_head *out, const char **why)
{
    struct h1_parse s = {
        .p = head.p,
        .end = head.p + head.n,
        .limits = limits,
        .side = H1_SIDE_RESPONSE,
        .fields = &out->fields,
    };
    if (parse_line(&s, out) != H1_DONE || h1_parse_fields(&s) != H1_DONE ||
        judge_framing(&s, out, to) != H1_DONE) {
        *why = s.why;
        return H1_BAD;
    }
    out->keep_alive = is_reusable(&s.facts, out);
    return H1_DONE;
}
