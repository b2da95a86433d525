/* URLs of backends: their parts, and what their variables make of them. */
#include "gateway/url.h"

#include "exchange/values/template.h"
#include "http/uri.h"

struct parts {
    const struct url_scheme *scheme;
    struct str rest; /* all behind the scheme */
    struct str host_port, uri;
};

static const struct url_scheme *
find_scheme(const struct url_rules *rules, struct str url, struct str *rest)
{
    ptrdiff_t n = str_find_str(url, STR("://"));
    *rest = n < 0 ? url : str_skip(url, (size_t)n + 3);
    if (n < 0)
        return rules->bare ? rules->schemes : NULL;
    for (const struct url_scheme *s = rules->schemes; s->name; s++)
        if (str_eq_nocase(str_head(url, (size_t)n), str_of(s->name)))
            return s;
    return NULL;
}

/* "host:port/uri", "unix:/path:/uri". */
static void
split_rest(struct str rest, struct str *host_port, struct str *uri)
{
    size_t n = 0;
    if (str_starts(rest, STR("unix:"))) {
        ptrdiff_t colon = str_find(str_skip(rest, 5), ':');
        n = colon < 0 ? rest.n : (size_t)colon + 5;
        *uri = colon < 0 ? STR_NONE : str_skip(rest, n + 1);
    } else {
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
            n++;
        *uri = n < rest.n ? str_skip(rest, n) : STR_NONE;
    }
    *host_port = str_head(rest, n);
}

/* False: no such scheme. */
static bool
split_url(const struct url_rules *rules, struct str url, struct parts *out)
{
    out->scheme = find_scheme(rules, url, &out->rest);
    if (out->scheme == NULL)
        return false;
    split_rest(out->rest, &out->host_port, &out->uri);
    return true;
}

static bool
refuse_scheme(struct setting *s, const struct url_rules *rules)
{
    setting_error(s, 1, "invalid URL prefix");
    setting_hint(s, "a URL belongs here: %s://HOST:PORT", rules->schemes->name);
    return false;
}

static bool
refuse_url(struct setting *s, struct str text)
{
    setting_error(s, 1, "invalid host in upstream \"" STR_FMT "\"", STR_ARG(text));
    setting_hint(s, "%s takes an address without a scheme", s->row->name);
    return false;
}

static bool
set_plain(struct setting *s, struct str text, struct url *u)
{
    struct parts parts;
    if (u->rules->schemeless && str_find_str(text, STR("://")) >= 0)
        return refuse_url(s, text);
    if (!split_url(u->rules, text, &parts))
        return refuse_scheme(s, u->rules);
    if (parts.uri.n && !u->rules->has_uri)
        return setting_error(s, 1, "\"%s\" cannot have URI part", s->row->name);
    u->scheme = parts.scheme;
    u->uri = parts.uri;
    u->port = target_port(parts.host_port, str_of(parts.scheme->port_text));
    return target_set(s, &u->target, parts.host_port, parts.scheme->port, parts.rest);
}

bool
url_set(struct setting *s, const struct url_rules *rules, struct url *u)
{
    struct str text = setting_arg(s, 1);
    u->rules = rules;
    if (str_find(text, '$') < 0)
        return set_plain(s, text, u);
    u->text = template_compile(s, 1, text);
    if (u->text == NULL)
        return false;
    target_set_dynamic(s, &u->target);
    return true;
}

bool
url_may_be_tls(const struct url *u)
{
    for (const struct url_scheme *s = u->rules->schemes; u->scheme == NULL && s->name; s++)
        if (s->tls)
            return true;
    return u->scheme && u->scheme->tls;
}

/* --- for an exchange --- */

/* What Host says of it. */
static struct str
name_of(struct str host_port)
{
    return str_starts(host_port, STR("unix:")) ? STR("localhost") : host_port;
}

static void
say_scheme(const struct url *u, const struct url_scheme *scheme, struct gateway_target *out)
{
    out->scheme = str_of(scheme->name);
    out->tls = scheme->tls ? u->tls : NULL;
}

static enum verdict
find_by_variables(struct exchange *x, const struct url *u, const struct gateway_settings *my,
                  struct gateway_target *out, struct str *uri)
{
    struct str text = template_eval(u->text, x);
    struct parts parts;
    if (!split_url(u->rules, text, &parts))
        return fail(x, FAULT_INTERNAL, "invalid URL prefix in \"" STR_FMT "\"", STR_ARG(text));
    if (parts.host_port.n == 0)
        return fail(x, FAULT_INTERNAL, "no host in upstream \"" STR_FMT "\"", STR_ARG(text));
    if (parts.uri.n && !u->rules->has_uri)
        return fail(x, FAULT_INTERNAL, "URI part in upstream \"" STR_FMT "\"", STR_ARG(text));
    out->host = name_of(parts.host_port);
    out->port = target_port(parts.host_port, str_of(parts.scheme->port_text));
    say_scheme(u, parts.scheme, out);
    *uri = parts.uri;
    return target_find(x, &u->target, parts.host_port, parts.scheme->port, my, &out->upstream);
}

enum verdict
url_find(struct exchange *x, const struct url *u, const struct gateway_settings *my,
         struct gateway_target *out, struct str *uri)
{
    if (u->text)
        return find_by_variables(x, u, my, out, uri);
    out->upstream = u->target.upstream;
    out->host = name_of(u->target.host_port);
    out->port = u->port;
    say_scheme(u, u->scheme, out);
    *uri = u->uri;
    return PASS;
}

/* --- what is asked for there --- */

struct str
url_with_args(struct exchange *x, struct str path)
{
    if (x->args.n == 0)
        return path;
    return arena_join(&x->arena, arena_join(&x->arena, path, STR("?")), x->args);
}

struct str
url_own_uri(struct exchange *x)
{
    if (x->uri_is_raw && x->request.path.n && x->request.path.p[0] == '/')
        return x->request.args.p
                   ? str_between(x->request.path.p, x->request.args.p + x->request.args.n)
                   : x->request.path;
    return url_with_args(x, uri_escape(x->uri, ESCAPE_URI, &x->arena));
}
