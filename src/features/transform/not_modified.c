/* Preconditions on what usher itself serves: 304 when the client has it already, 412 when it is not
 * what the client thinks.
 *
 * RFC 9110 13.2.2 gives the order; where nginx differs (it heeds If-Modified-Since beside an
 * If-None-Match, and refuses what has no date) the RFC is followed. A backend's response was judged
 * by the backend. */
#include "exchange/feature.h"
#include "http/date.h"
#include "http/range.h"

enum since { SINCE_OFF, SINCE_EXACT, SINCE_BEFORE };

struct settings {
    unsigned since;
};

static const struct choice since_choices[] = {
    { "off", SINCE_OFF }, { "exact", SINCE_EXACT }, { "before", SINCE_BEFORE }, { 0 }
};

static const struct directive directives[] = {
    { "if_modified_since", FIELD(struct settings, since), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "exact", .choices = since_choices,
      .help = "How If-Modified-Since is compared with the modification time: not at all, for "
              "being the same, or for being the same or later." },
    { 0 },
};

/* "*" is any current representation, tagged or not (RFC 9110 13.1.1). */
static bool
list_matches(const struct exchange *x, struct str list, bool weak)
{
    return str_eq(list, STR("*")) || etag_list_has(list, x->response.etag, weak);
}

/* RFC 9110 13.1.1, 13.1.4 */
static bool
precondition_failed(const struct exchange *x)
{
    const struct fields *fields = &x->request.fields;
    struct str match = fields_value(fields, HEADER_IF_MATCH);
    if (match.p)
        return !list_matches(x, match, false);
    struct str unmodified = fields_value(fields, HEADER_IF_UNMODIFIED_SINCE);
    if (unmodified.p == NULL || x->response.last_modified < 0)
        return false;
    time_t since = date_parse_http(unmodified);
    return since >= 0 && x->response.last_modified > since;
}

/* RFC 9110 13.1.2, 13.1.3 */
static bool
client_has_it(const struct exchange *x, const struct settings *my)
{
    const struct fields *fields = &x->request.fields;
    struct str none = fields_value(fields, HEADER_IF_NONE_MATCH);
    if (none.p)
        return list_matches(x, none, true);
    struct str modified = fields_value(fields, HEADER_IF_MODIFIED_SINCE);
    if (modified.p == NULL || my->since == SINCE_OFF || x->response.last_modified < 0)
        return false;
    time_t since = date_parse_http(str_cut(&modified, ';')); /* "; length=…" of old browsers */
    return my->since == SINCE_EXACT ? since == x->response.last_modified
                                    : since >= x->response.last_modified;
}

static void
drop_body(struct response *r)
{
    body_close(r->body);
    r->body = NULL;
    r->status = 304;
    r->content_type = STR_NONE;
    r->content_length = -1;
    r->ranges_allowed = false;
    fields_remove(&r->fields, HEADER_CONTENT_ENCODING);
}

static void
judge(struct exchange *x, const void *settings)
{
    const struct response *r = &x->response;
    bool get = x->request.method == METHOD_GET || x->request.method == METHOD_HEAD;
    if (r->status != 200 || r->relayed || !get || x->refused)
        return;
    if (precondition_failed(x))
        response_refuse(x, 412);
    else if (client_has_it(x, settings))
        drop_body(&x->response);
}

const struct feature not_modified = {
    .name = "not_modified",
    .phase = PHASE_NONE,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .on_response = judge,
};
