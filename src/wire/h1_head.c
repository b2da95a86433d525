/* Finding a head's end, and its field lines (RFC 9112 5).
 *
 * A known name is right by being known, so most names are looked at once, sixteen bytes a step, and
 * byte by byte only when they are nobody's. */
#include "wire/h1_parse.h"

/* The end of a field name or of what is in its place. */
SCAN(name_end, (c <= 0x20) | (c == ':') | (c >= 0x7f))
SCAN(line_feed, c == '\n')

/* RFC 9110 5.6.2. nginx's names are narrower: letters, digits and hyphens. */
enum { TOKEN = 1, PLAIN = 2 };

static const unsigned char classes[256] = {
    ['!'] = TOKEN,
    ['#'] = TOKEN,
    ['$'] = TOKEN,
    ['%'] = TOKEN,
    ['&'] = TOKEN,
    ['\''] = TOKEN,
    ['*'] = TOKEN,
    ['+'] = TOKEN,
    ['.'] = TOKEN,
    ['^'] = TOKEN,
    ['_'] = TOKEN,
    ['`'] = TOKEN,
    ['|'] = TOKEN,
    ['~'] = TOKEN,
    ['-'] = TOKEN | PLAIN,
    ['0' ... '9'] = TOKEN | PLAIN,
    ['A' ... 'Z'] = TOKEN | PLAIN,
    ['a' ... 'z'] = TOKEN | PLAIN,
};

enum h1_outcome
h1_refuse(struct h1_parse *s, enum fault fault, const char *why)
{
    s->fault = fault;
    s->why = why;
    return H1_BAD;
}

const char *
h1_control_why(const char *at, const char *end)
{
    if (at == end)
        return "line without end";
    switch (*at) {
    case '\r':
        return "bare CR"; /* RFC 9112 2.2 */
    case '\n':
        return "bare LF";
    case '\0':
        return "NUL byte"; /* RFC 9110 5.5 */
    default:
        return "control byte";
    }
}

static unsigned
classify(struct str s)
{
    unsigned all = s.n ? TOKEN | PLAIN : 0;
    for (size_t i = 0; i < s.n; i++)
        all &= classes[(unsigned char)s.p[i]];
    return all;
}

bool
h1_is_token(struct str s)
{
    return classify(s) & TOKEN;
}

/* RFC 9112 2.2: empty lines before a request line are skipped. */
static size_t
skip_empty_lines(struct str in)
{
    size_t at = 0;
    while (at + 1 < in.n && in.p[at] == '\r' && in.p[at + 1] == '\n')
        at += 2;
    return at;
}

/* A line feed and then an empty line, whether the line ends are right or bare: a head with bare
 * ones is to be refused, not waited for. Returns the end of the empty line, or NULL. */
static const char *
after_empty_line(const char *feed, const char *end)
{
    if (end - feed >= 2 && feed[1] == '\n')
        return feed + 2;
    return h1_is_crlf(feed + 1, end) ? feed + 3 : NULL;
}

/* The next line feed that a line end of either kind may follow; end when there is none. */
static const char *
find_feed(const char *p, const char *end)
{
    for (; end - p > 16; p += 16) {
        scan_block here = scan_load(p), next = scan_load(p + 1);
        scan_block hit = (scan_block)((here == '\n') & ((next == '\r') | (next == '\n')));
        unsigned at = scan_first(hit);
        if (at < 16)
            return p + at;
    }
    return scan_line_feed(p, end);
}

enum h1_outcome
h1_find_head_end(struct str in, size_t *scanned, size_t *head_size)
{
    size_t start = skip_empty_lines(in);
    const char *end = in.p + in.n;
    const char *feed = find_feed(in.p + (*scanned > start ? *scanned : start), end);
    for (; feed < end; feed = find_feed(feed + 1, end)) {
        const char *head_end = after_empty_line(feed, end);
        if (head_end) {
            *head_size = (size_t)(head_end - in.p);
            return H1_DONE;
        }
        if (end - feed < 3) /* what is left may be the beginning of the empty line */
            break;
    }
    *scanned = (size_t)(feed - in.p);
    return H1_MORE;
}

struct str
h1_first_line(struct str in)
{
    in = str_skip(in, skip_empty_lines(in));
    size_t n = 0;
    while (n < in.n && in.p[n] != '\r' && in.p[n] != '\n')
        n++;
    return str_head(in, n);
}

/* Is the name one that its receiver takes? Sets *drop for those that are passed over in silence. */
static enum h1_outcome
judge_name(struct h1_parse *s, struct str name, bool *drop)
{
    unsigned class = classify(name);
    *drop = false;
    if (name.n == 0)
        return h1_refuse(s, FAULT_BAD_REQUEST, "empty header name");
    if (class & PLAIN)
        return H1_DONE;
    if (h1_looks_like_framing(name))
        return h1_refuse(s, FAULT_BAD_REQUEST, "header name that imitates a framing header");
    if (!(class & TOKEN) && s->side == H1_SIDE_REQUEST)
        return h1_refuse(s, FAULT_BAD_REQUEST, "illegal byte in a header name");
    if (s->side == H1_SIDE_REQUEST && s->limits->ignore_invalid) {
        for (size_t i = 0; i < name.n && !*drop; i++)
            *drop = !(classes[(unsigned char)name.p[i]] & PLAIN) &&
                    !(name.p[i] == '_' && s->limits->underscores);
        return H1_DONE;
    }
    *drop = !(class & TOKEN) && s->limits->ignore_invalid;
    if (class & TOKEN || *drop)
        return H1_DONE;
    return h1_refuse(s, FAULT_BAD_REQUEST, "illegal byte in a header name");
}

/* From the byte that stopped the name's scan to the colon. Blanks before the colon are refused in a
 * request and removed from a response (RFC 9112 5.1). */
static enum h1_outcome
reach_colon(struct h1_parse *s, const char *stop, const char **name_end)
{
    const char *p = stop;
    while (p < s->end && (unsigned char)*p >= 0x80)
        p = scan_name_end(p + 1, s->end);
    *name_end = p;
    if (p == s->p && p < s->end && (*p == ' ' || *p == '\t'))
        return h1_refuse(s, FAULT_BAD_REQUEST, "obsolete line folding"); /* RFC 9112 5.2 */
    while (s->side == H1_SIDE_RESPONSE && p < s->end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == s->end || *p != ':') {
        bool blank = p < s->end && (*p == ' ' || *p == '\t');
        return h1_refuse(s, FAULT_BAD_REQUEST,
                         blank ? "whitespace before the colon" : "header line without a colon");
    }
    s->p = p;
    return H1_DONE;
}

/* The value from after the colon to its CRLF, without the blanks around it (RFC 9112 5.1). */
static enum h1_outcome
read_value(struct h1_parse *s, const char *p, struct str *value)
{
    while (p < s->end && (*p == ' ' || *p == '\t'))
        p++;
    const char *last = scan_control(p, s->end);
    s->p = last + 2;
    if (!h1_is_crlf(last, s->end))
        return h1_refuse(s, FAULT_BAD_REQUEST, h1_control_why(last, s->end));
    while (last > p && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    *value = str_between(p, last);
    return H1_DONE;
}

static enum h1_outcome
judge_size(struct h1_parse *s, const char *line)
{
    if ((size_t)(s->p - line) > s->limits->line)
        return h1_refuse(s, FAULT_HEADER_TOO_LARGE, "header line too long");
    if (++s->seen > s->limits->fields && s->limits->fields)
        return h1_refuse(s, FAULT_TOO_MANY_HEADERS, "too many header lines");
    return H1_DONE;
}

static enum h1_outcome
parse_field(struct h1_parse *s)
{
    const char *line = s->p, *name_end = scan_name_end(line, s->end), *colon = name_end;
    bool drop = false;
    struct str value;
    if (name_end == s->end || *name_end != ':') {
        if (reach_colon(s, name_end, &name_end) != H1_DONE)
            return H1_BAD;
        colon = s->p;
    }
    struct str name = str_between(line, name_end);
    enum header id = header_id(name);
    if (id == HEADER_OTHER && judge_name(s, name, &drop) != H1_DONE)
        return H1_BAD;
    if (read_value(s, colon + 1, &value) != H1_DONE || judge_size(s, line) != H1_DONE)
        return H1_BAD;
    if (!drop)
        h1_note(&s->facts, fields_push(s->fields, name, value, id));
    return H1_DONE;
}

enum h1_outcome
h1_parse_fields(struct h1_parse *s)
{
    while (!h1_is_crlf(s->p, s->end))
        if (parse_field(s) != H1_DONE)
            return H1_BAD;
    s->p += 2;
    if (s->p != s->end)
        return h1_refuse(s, FAULT_BAD_REQUEST, "head goes on after its empty line");
    return H1_DONE;
}
