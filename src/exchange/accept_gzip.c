/* Who may have gzip, and the rows that say so. */
#include "exchange/accept_gzip.h"

#include "exchange/hosts/location.h"
#include "exchange/values/regex.h"
#include "http/date.h"

enum gzip_proxied {
    PROXIED_OFF = 1 << 0,
    PROXIED_EXPIRED = 1 << 1,
    PROXIED_NO_CACHE = 1 << 2,
    PROXIED_NO_STORE = 1 << 3,
    PROXIED_PRIVATE = 1 << 4,
    PROXIED_NO_LAST_MODIFIED = 1 << 5,
    PROXIED_NO_ETAG = 1 << 6,
    PROXIED_AUTH = 1 << 7,
    PROXIED_ANY = 1 << 8,
};

/* A pattern of gzip_disable, for User-Agent. */
struct gzip_disable {
    struct gzip_disable *next;
    struct regex *regex;
};

static const struct choice version_choices[] = { { "1.0", VERSION_10 },
                                                 { "1.1", VERSION_11 },
                                                 { 0 } };

static const struct choice proxied_choices[] = {
    { "off", PROXIED_OFF },           { "expired", PROXIED_EXPIRED },
    { "no-cache", PROXIED_NO_CACHE }, { "no-store", PROXIED_NO_STORE },
    { "private", PROXIED_PRIVATE },   { "no_last_modified", PROXIED_NO_LAST_MODIFIED },
    { "no_etag", PROXIED_NO_ETAG },   { "auth", PROXIED_AUTH },
    { "any", PROXIED_ANY },           { 0 }
};

/* gzip_disable REGEX ...; "msie6" is what nginx has for all of MSIE 4 to 6 before SV1. */
static bool
set_disable(struct setting *s)
{
    struct gzip_disable **list = s->field;
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str pattern = setting_arg(s, i);
        bool msie = str_eq(pattern, STR("msie6"));
        if (msie)
            pattern = STR("MSIE [4-6]\\.(?!.*SV1)");
        else if (str_eq(pattern, STR("degradation")))
            continue;
        struct gzip_disable *new = arena_new(s->compile->arena, struct gzip_disable);
        new->regex = regex_compile(s, i, pattern, !msie);
        if (new->regex == NULL)
            return false;
        new->next = *list;
        *list = new;
    }
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "gzip_vary", FIELD(struct gzip_settings, vary), EVERYWHERE, .initial = "off",
      .help = "Whether responses that gzip, gzip_static or gunzip care for get the field "
              "\"Vary: Accept-Encoding\"." },
    { "gzip_http_version", FIELD(struct gzip_settings, http_version), EVERYWHERE, .initial = "1.1",
      .choices = version_choices,
      .help = "The least version of a request whose response may be in gzip." },
    { "gzip_proxied", FIELD(struct gzip_settings, proxied), EVERYWHERE, .initial = "off",
      .choices = proxied_choices, .flags = CHOICES_ADD, .args_min = 1, .args_max = ARGS_ANY,
      .help = "Which responses to requests that came through a proxy (with a Via field) may be in "
              "gzip: none (off), all (any), or those that expired already, have no-cache, no-store "
              "or private in Cache-Control, no Last-Modified, no ETag, or whose request had "
              "Authorization (auth)." },
    { "gzip_disable", PLACE(struct gzip_settings, disable), EVERYWHERE, .set = set_disable,
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY, .syntax = "regex ...",
      .example = "gzip_disable msie6;",
      .help = "Clients whose User-Agent matches one of the patterns, in any case, get no gzip." },
    { 0 },
};

const struct directive_set gzip_directives = {
    .name = "gzip",
    .settings_size = sizeof(struct gzip_settings),
    .directives = directives,
};

/* "0.5", "1", "0.000": at most three decimals (RFC 9110 12.4.2). Is it more than zero? */
static bool
weighs(struct str q)
{
    bool one = q.n && q.p[0] == '1';
    if (q.n == 0 || (q.p[0] != '0' && !one) || (q.n > 1 && q.p[1] != '.') || q.n > 5)
        return false;
    bool more = one;
    for (size_t i = 2; i < q.n; i++) {
        if (q.p[i] < '0' || q.p[i] > '9' || (one && q.p[i] != '0'))
            return false;
        more |= q.p[i] != '0';
    }
    return more;
}

/* What the first element that names gzip says. */
static bool
encodings_accept(struct str list)
{
    struct str element;
    while (list_next(&list, &element)) {
        struct str q = element, name = str_trim(str_cut(&q, ';'));
        if (!str_eq_nocase(name, STR("gzip")))
            continue;
        if (q.p == NULL)
            return true;
        q = str_trim(q);
        return str_starts_nocase(q, STR("q=")) && weighs(str_skip(q, 2));
    }
    return false;
}

static struct str
response_field(const struct exchange *x, enum header id)
{
    return fields_value(&x->response.fields, id);
}

static bool
caching_is(const struct exchange *x, struct str token)
{
    for (unsigned i = 0; i < x->response.fields.n; i++) {
        const struct field *f = &x->response.fields.v[i];
        if (f->id == HEADER_CACHE_CONTROL && list_has_token(f->value, token))
            return true;
    }
    return false;
}

static bool
is_expired(const struct exchange *x, struct str expires)
{
    time_t at = date_parse_http(expires), date = date_parse_http(x->response.date);
    return at >= 0 && at <= (date < 0 ? (time_t)(clock_wall_us() / 1000000) : date);
}

/* Expires goes over Cache-Control, and what has neither may, unless it has a validator that a rule
 * wants it not to have. */
static bool
proxied_may(const struct exchange *x, unsigned rules)
{
    const struct response *r = &x->response;
    if (rules & PROXIED_OFF)
        return false;
    if (rules & PROXIED_ANY ||
        (rules & PROXIED_AUTH && fields_find(&x->request.fields, HEADER_AUTHORIZATION)))
        return true;
    struct str expires = response_field(x, HEADER_EXPIRES);
    if (expires.p)
        return rules & PROXIED_EXPIRED && is_expired(x, expires);
    if (response_field(x, HEADER_CACHE_CONTROL).p)
        return (rules & PROXIED_NO_CACHE && caching_is(x, STR("no-cache"))) ||
               (rules & PROXIED_NO_STORE && caching_is(x, STR("no-store"))) ||
               (rules & PROXIED_PRIVATE && caching_is(x, STR("private")));
    bool dated = r->last_modified >= 0 || response_field(x, HEADER_LAST_MODIFIED).p;
    bool tagged = r->etag.n || response_field(x, HEADER_ETAG).p;
    return !(rules & PROXIED_NO_LAST_MODIFIED && dated) && !(rules & PROXIED_NO_ETAG && tagged);
}

static bool
is_disabled(const struct exchange *x, const struct gzip_disable *d)
{
    struct str agent = d ? fields_value(&x->request.fields, HEADER_USER_AGENT) : STR_NONE;
    for (; agent.p && d; d = d->next)
        if (regex_match(d->regex, agent, NULL))
            return true;
    return false;
}

static const struct gzip_settings *
settings_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->gzip;
}

bool
accept_gzip(const struct exchange *x)
{
    const struct gzip_settings *my = settings_of(x);
    const struct fields *fields = &x->request.fields;
    if (x->parent || /* it becomes part of another body */
        !encodings_accept(fields_value(fields, HEADER_ACCEPT_ENCODING)) ||
        (unsigned)x->request.version < my->http_version)
        return false;
    if (fields_find(fields, HEADER_VIA) && !proxied_may(x, my->proxied))
        return false;
    return !is_disabled(x, my->disable);
}

void
accept_gzip_vary(struct exchange *x)
{
    if (!settings_of(x)->vary || x->response.varies_by_encoding)
        return;
    x->response.varies_by_encoding = true;
    fields_add_known(&x->response.fields, HEADER_VARY, STR("Accept-Encoding"));
}
