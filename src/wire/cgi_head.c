/* CGI heads. Programs are careless about line ends, and nothing hangs on them here; names, values
 * and lengths are judged as strictly as HTTP's, for they become HTTP's. */
#include "wire/cgi.h"

#include "wire/h1_parse.h"

enum h1_outcome
cgi_find_head_end(struct str in, size_t *scanned, size_t *head_size)
{
    for (;;) {
        struct str rest = str_skip(in, *scanned);
        const char *feed = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
        if (feed == NULL)
            return H1_MORE;
        size_t n = (size_t)(feed - rest.p);
        *scanned += n + 1;
        if (n == 0 || (n == 1 && rest.p[0] == '\r')) {
            *head_size = *scanned;
            return H1_DONE;
        }
    }
}

/* Cuts one line, without its end. */
static struct str
next_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool
has_control(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* NULL, or why it is refused. */
static const char *
take_field(struct str line, struct fields *fields)
{
    ptrdiff_t colon = str_find(line, ':');
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return "obsolete line folding";
    if (colon < 0)
        return "header line without a colon";
    struct str name = str_head(line, (size_t)colon);
    struct str value = str_trim(str_skip(line, (size_t)colon + 1));
    if (!h1_is_token(name))
        return "illegal byte in a header name";
    enum header id = header_id(name);
    if (id == HEADER_OTHER && h1_looks_like_framing(name))
        return "header name that imitates a framing header";
    fields_push(fields, name, value, id);
    return has_control(value) ? "control character in header value" : NULL;
}

static const char *
take_fields(struct str head, unsigned most, struct fields *fields)
{
    struct str rest = head;
    if (str_starts(rest, STR("HTTP/")) && has_control(next_line(&rest)))
        return "control character in status line";
    for (;;) {
        struct str line = next_line(&rest);
        if (line.n == 0)
            return NULL;
        if (fields->n == most)
            return "too many header lines";
        const char *why = take_field(line, fields);
        if (why)
            return why;
    }
}

/* "404", "404 Not Found". Interim ones are not a program's to send. */
static bool
read_status(struct str value, struct response_head *out)
{
    uint64_t status;
    struct str digits = str_head(value, 3), reason = str_skip(value, digits.n);
    if (digits.n < 3 || !str_to_u64(digits, 999, &status) || status < 200)
        return false;
    if (reason.n && reason.p[0] != ' ')
        return false;
    out->status = (unsigned)status;
    out->reason = reason.n > 1 ? str_skip(reason, 1) : STR_NONE;
    return true;
}

static const char *
judge_status(struct response_head *out)
{
    struct field *status = fields_find(&out->fields, HEADER_STATUS);
    bool moved = fields_find(&out->fields, HEADER_LOCATION) != NULL;
    out->status = moved ? 302 : 200;
    out->reason = STR_NONE;
    return status == NULL || read_status(status->value, out) ? NULL : "invalid status";
}

/* "HTTP/1.1 200 OK". False when there is no such line. */
static bool
read_status_line(struct str head, struct response_head *out)
{
    struct str line = next_line(&head);
    ptrdiff_t blank = str_find(line, ' ');
    return str_starts(line, STR("HTTP/")) && blank > 0 &&
           read_status(str_skip(line, (size_t)blank + 1), out);
}

static const char *
judge_framing(struct response_head *out, enum method to)
{
    const struct fields *fields = &out->fields;
    unsigned lengths = 0;
    out->content_length = 0;
    for (unsigned i = 0; i < fields->n; i++) {
        if (fields->v[i].id != HEADER_CONTENT_LENGTH)
            continue;
        if (++lengths > 1 || !str_to_u64(fields->v[i].value, INT64_MAX, &out->content_length))
            return "invalid or repeated Content-Length";
    }
    if (to == METHOD_HEAD || out->status == 204 || out->status == 304)
        out->framing = FRAMING_NONE;
    else
        out->framing = lengths ? FRAMING_LENGTH : FRAMING_STREAM;
    return NULL;
}

static enum h1_outcome
parse(struct str head, unsigned most_fields, enum method to, bool line, struct response_head *out,
      const char **why)
{
    out->version = VERSION_11;
    out->keep_alive = false;
    *why = take_fields(head, most_fields, &out->fields);
    if (*why == NULL && !(line && read_status_line(head, out)))
        *why = judge_status(out);
    if (*why == NULL)
        *why = judge_framing(out, to);
    return *why ? H1_BAD : H1_DONE;
}

enum h1_outcome
cgi_parse_head(struct str head, unsigned most_fields, enum method to, struct response_head *out,
               const char **why)
{
    return parse(head, most_fields, to, false, out, why);
}

enum h1_outcome
cgi_parse_head_with_line(struct str head, unsigned most_fields, enum method to,
                         struct response_head *out, const char **why)
{
    return parse(head, most_fields, to, true, out, why);
}
