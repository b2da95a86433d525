/* The rules of a request's fields and of what stands before them. */
#include "gateway/request_fields.h"

#include "base/buf.h"
#include "gateway/hop_by_hop.h"

/* For this hop, or what usher writes itself. */
static bool
is_ours(enum header id)
{
    return id == HEADER_HOST || id == HEADER_CONTENT_LENGTH || id == HEADER_EXPECT ||
           hop_is_bound(id);
}

static bool
is_replaced(const struct set_headers *set, const struct field *f)
{
    if (set == NULL)
        return false;
    return f->id != HEADER_OTHER ? set->known[f->id] : map_try(&set->others, f->name) != NULL;
}

bool
request_passes(const struct gateway *g, const struct hop_names *names, const struct field *f)
{
    return !is_ours(f->id) && !is_replaced(g->my->set_headers, f) && !hop_names_has(names, f);
}

bool
request_sets(const struct gateway *g, enum header id)
{
    return g->my->set_headers && g->my->set_headers->known[id];
}

/* Values come from clients through variables: a line break would be a second field. */
static bool
is_safe(struct str value)
{
    return str_find(value, '\n') < 0 && str_find(value, '\r') < 0 && str_find(value, '\0') < 0;
}

/* $ssl_client_cert has line breaks that a blank follows: nobody may send those any more (RFC 9112
 * 5.2), and what reads them takes the blank for a line's end. */
static struct str
unfold(struct str value, struct arena *a)
{
    struct buf b;
    if (str_find(value, '\n') < 0)
        return value;
    buf_init(&b, a, value.n, 0);
    for (size_t i = 0; i < value.n; i++) {
        bool folds = i + 1 < value.n && (value.p[i + 1] == '\t' || value.p[i + 1] == ' ');
        if (value.p[i] != '\n' || !folds)
            buf_byte(&b, value.p[i]);
    }
    return buf_str(&b);
}

struct str
request_value(const struct gateway *g, const struct set_header *h)
{
    struct str value = unfold(template_eval(h->value, g->x), &g->x->arena);
    bool is_framing = h->id == HEADER_CONTENT_LENGTH || h->id == HEADER_TRANSFER_ENCODING;
    return is_framing || !is_safe(value) ? STR_NONE : value;
}

/* A body that is not passed may be left unmentioned: proxy_set_header Content-Length "". */
bool
request_has_length(const struct gateway *g)
{
    if (g->body_chunked)
        return false;
    if (g->body_size > 0 || g->my->set_body)
        return true;
    return g->x->request.framing != FRAMING_NONE && !request_sets(g, HEADER_CONTENT_LENGTH);
}

struct str
request_method(struct gateway *g)
{
    return g->my->method ? template_eval(g->my->method, g->x) : g->x->request.method_name;
}

/* They may be made of variables, so of what a client sent percent-encoded: a blank or a line end in
 * them would be another request (RFC 9112 3). */
enum verdict
request_check_line(struct gateway *g, struct str method, struct str uri)
{
    if (!h1_is_token(method))
        return fail(g->x, FAULT_BAD_REQUEST, "invalid method for upstream");
    for (size_t i = 0; i < uri.n; i++)
        if ((uint8_t)uri.p[i] <= ' ' || uri.p[i] == 0x7f)
            return fail(g->x, FAULT_BAD_REQUEST, "blank or control character in URI for upstream");
    return PASS;
}
